"""What is read: pages of a search, and 100 runs that are compared."""

import itertools
import json

from tracked import made
from tracked.driving import Turn, drive
from tracked.protocol import Requests, names
from tracked.wire import Address, Connection, Timed

PAGE = 100
COMPARED = 100


class Reader:
    """experiment: the one that holds the history."""

    def __init__(self, uri: str, experiment: str) -> None:
        self.address = Address.of(uri)
        self._requests = Requests(self.address)
        self._experiment = experiment

    def search(self, *, most: int, seconds: float, quick: bool) -> Timed:
        """A metric and a param filter ordered by a metric, the first page of 100, one client; each query another."""
        numbers = itertools.count()

        def turn() -> Turn:
            yield self._requests.search(self._experiment, made.query(next(numbers)), limit=PAGE)

        return drive(self.address, [turn], seconds=seconds, quick=quick, least=min(5, most), most=most)

    def check(self, count: int, *, queries: int = 3) -> None:
        """Raises AssertionError where a search over the first `count` runs finds others, or in another order."""
        with Connection(self.address, quick=True) as connection:
            for number in range(queries):
                query = made.query(number)
                found = names(connection.ask(self._requests.search(self._experiment, query, limit=PAGE)))
                expected = query.answer(map(made.run, range(count)), PAGE)
                assert found == expected, (str(self.address), query.filter, query.order, found[:5], expected[:5])
                assert found, f"{query.filter} finds nothing among {count} runs: a search for nothing shows nothing"

    def some_runs(self) -> list[str]:
        with Connection(self.address, quick=True) as connection:
            body = connection.ask(self._requests.newest(self._experiment, COMPARED))
        return [one["info"]["run_id"] for one in json.loads(body)["runs"]]

    def one_by_one(self, *, repeats: int, quick: bool) -> Timed:
        """100 runs by 100 runs/get over one connection, as one turn."""
        runs = self.some_runs()

        def turn() -> Turn:
            for run in runs:
                yield self._requests.get_run(run)

        return drive(self.address, [turn], seconds=0, quick=quick, least=repeats)

    def compared(self, path: str, *, repeats: int) -> Timed:
        """100 runs by one call of the comparison."""
        runs = self.some_runs()

        def turn() -> Turn:
            yield self._requests.compare(path, runs)

        return drive(self.address, [turn], seconds=0, quick=True, least=repeats)
