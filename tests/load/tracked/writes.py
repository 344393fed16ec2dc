"""What is written: batches of 1000 metrics, single metrics, small runs; alone and by 16 clients at once."""

import json
import time
from collections.abc import Callable
from itertools import count

from tracked import made
from tracked.driving import Turn, drive
from tracked.protocol import API, STEPS, Batch, Requests, create_experiment, run_id
from tracked.wire import Address, Connection, Timed

CONNECTIONS = (1, 16)
LOG_BATCH, LOG_METRIC, SMALL_RUN = "log_batch of 1000 metrics", "log_metric", "a small run in three calls"
KINDS = (LOG_BATCH, LOG_METRIC, SMALL_RUN)


class Writer:
    """Makes the turns for one server, in an experiment of its own; each client logs to a run of its own."""

    def __init__(self, uri: str, *, title: str = "written") -> None:
        self.address = Address.of(uri)
        self.requests = Requests(self.address)
        self.batch = Batch(self.address)
        self._numbers = count()
        with Connection(self.address, quick=True) as connection:
            self.experiment = create_experiment(connection, f"{title} {time.time_ns()}")

    def measure(self, kind: str, connections: int, *, seconds: float, quick: bool) -> Timed:
        """The runs are new: how long a history is that they already have must not count for one side only."""
        turns = [self._turns(kind) for _ in range(connections)]
        return drive(self.address, turns, seconds=seconds, quick=quick)

    def new_run(self) -> str:
        with Connection(self.address, quick=True) as connection:
            one = made.run(next(self._numbers))
            return run_id(connection.ask(self.requests.create_run(self.experiment, one)))

    def _turns(self, kind: str) -> Callable[[], Turn]:
        if kind == SMALL_RUN:
            return self._small_run
        run, numbers = self.new_run(), count()
        request: Callable[[str, int], bytes] = self.batch.of if kind == LOG_BATCH else self.requests.log_metric
        return lambda: _one(request(run, next(numbers)))

    def _small_run(self) -> Turn:
        """10 params, 10 metrics, 5 tags."""
        one = made.run(next(self._numbers))
        run = run_id((yield self.requests.create_run(self.experiment, one)))
        yield self.requests.log_run(run, one)
        yield self.requests.end_run(run, one)


def _one(request: bytes) -> Turn:
    yield request


def check(uri: str) -> None:
    """Raises AssertionError where what is acknowledged cannot be read again: then its speed is worth nothing."""
    writer = Writer(uri, title="checked")
    run = writer.new_run()
    with Connection(writer.address, quick=True) as connection:
        connection.ask(writer.batch.of(run, 0))
        path = f"{API}/metrics/get-history?run_id={run}&metric_key=curve3&max_results=1000"
        points = json.loads(connection.ask(writer.address.request("GET", path)))["metrics"]
        found = sorted((int(one["step"]), one["value"]) for one in points)
        expected = [(1_000_000 + step, (step * 7 + 3) % 100 / 100) for step in range(STEPS)]
        assert found == expected, (uri, found[:3], expected[:3])
        connection.ask(writer.requests.log_metric(run, 5_000_005))
        latest = json.loads(connection.ask(writer.requests.get_run(run)))["run"]["data"]["metrics"]
        assert {"curve5": 0.05}.items() <= {one["key"]: one["value"] for one in latest}.items(), (uri, latest)
