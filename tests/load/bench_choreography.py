"""From trigger to model.deployed when the steps themselves do nothing, beside five no-op tasks in Prefect.

`make bench-choreography`. What is replaced: the training's worker, the validation's measuring and report, the model
server and Envoy's routes. All else is as `murmur up` runs it: six services, each a process with outbox, inbox, jobs and
an SQLite file (synchronous=FULL), one Kafka broker, REST through the front door. No person approves: the workflow says
`review: none`, so that a better version is promoted to production at once.
"""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import quantiles
from typing import Any

import results
from noop_flock import Heard, NoopFlock, noop_flock, record_of, request
from results import Row

from murmur_events.base import RunId, WorkflowName
from murmur_events.runs import MetricPoint, Provenance, RunLogged, RunStarted
from murmur_events.training import Trigger
from murmur_events.values import Artifact

_BEGAN = time.monotonic()
ENVIRONMENT = {"MURMUR_TRAINING_SLOTS": "4"}
"""Of the services, beyond the defaults: trainings that do nothing need no core each."""


ON_THE_WAY = (
    "training.requested",
    "run.started",
    "run.completed",
    "model.registered",
    "validation.completed",
    "model.promoted",
)


def say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", flush=True)


def percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100, method="inclusive")[percent - 1]


async def one_at_a_time(
    heard: Heard, trigger: Callable[[str], Awaitable[str]], names: list[str]
) -> tuple[list[float], list[str]]:
    """(milliseconds from before the trigger to model.deployed here, the chains)."""
    took, chains = [], []
    for name in names:
        began = time.perf_counter()
        chains.append(await trigger(name))
        (arrived,) = await heard.all_of(chains[-1:])
        took.append((arrived - began) * 1000)
    return took, chains


async def at_once(flock: NoopFlock, heard: Heard, names: list[str]) -> tuple[float, list[float]]:
    """Seconds until the last is deployed, and those of each."""
    began = time.perf_counter()
    arrived = await heard.all_of(await asyncio.gather(*map(flock.trigger, names)))
    took = [one - began for one in arrived]
    return max(took), took


async def projecting(flock: NoopFlock, count: int) -> float:
    """Events per second through tracking: run.logged of 50 runs, each with a metric to keep."""
    started = [_started(f"bench-{number}") for number in range(50)]
    before = await flock.handled("tracking", "run.started")
    await flock.publish(record_of(event, "bench") for event in started)
    await _until(flock, "tracking", "run.started", before + len(started))
    records = [record_of(_logged(f"bench-{number % 50}", number), "bench") for number in range(count)]
    before = await flock.handled("tracking", "run.logged")
    began = time.perf_counter()
    await flock.publish(records)
    await _until(flock, "tracking", "run.logged", before + count)
    return count / (time.perf_counter() - began)


async def reacting(flock: NoopFlock, heard: Heard, count: int) -> float:
    """Events per second through the trainer: each request is looked up, answered and said why not, once."""
    records, correlations = zip(*[request(f"unknown-{number}") for number in range(count)], strict=True)
    began = time.perf_counter()
    await flock.publish(records)
    arrived = await heard.all_of(correlations)
    return count / (max(arrived) - began)


def _started(run: str) -> RunStarted:
    nothing = Artifact(uri="file:///nowhere", sha256="0" * 64, size=0)
    return RunStarted(
        run_id=RunId(run),
        workflow=WorkflowName("bench"),
        revision=1,
        trigger=Trigger(kind="manual", key=run),
        as_of=datetime.now(UTC),
        attempt=1,
        parameters={},
        provenance=Provenance(code=nothing, environment=nothing, seed=0, revision=1),
        started_at=datetime.now(UTC),
    )


def _logged(run: str, step: int) -> RunLogged:
    point = MetricPoint(name="loss", step=step, value=0.5, time=datetime.now(UTC))
    return RunLogged(run_id=RunId(run), workflow=WorkflowName("bench"), attempt=1, metrics=(point,))


async def _until(flock: NoopFlock, service: str, topic: str, count: float) -> None:
    async with asyncio.timeout(120):
        while await flock.handled(service, topic) < count:
            await asyncio.sleep(0.05)


async def ours(quick: bool) -> dict[str, Any]:
    single, burst, events = (10, 20, 500) if quick else (100, 100, 5000)
    say("starting the flock")
    async with noop_flock(**ENVIRONMENT) as flock:
        names = [f"nothing-{number}" for number in range(burst)]
        for begin in range(0, burst, 10):
            await asyncio.gather(*map(flock.apply, names[begin : begin + 10]))
        heard = Heard(flock.settings.brokers, ends=("model.deployed", "training.skipped"), others=ON_THE_WAY)
        async with heard.listening():
            await one_at_a_time(heard, flock.trigger, names[:5])
            say(f"{single} workflows one at a time, by REST")
            by_rest, chains = await one_at_a_time(heard, flock.trigger, (names * 10)[:single])
            say(f"p50 {percentile(by_rest, 50):.0f} ms; {single} more, by publishing")
            by_event, _ = await one_at_a_time(heard, flock.ask, (names * 10)[:single])
            say(f"p50 {percentile(by_event, 50):.0f} ms; {burst} at once")
            cpu = flock.cpu_seconds()
            total, each = await at_once(flock, heard, names)
            cpu = {name: round(spent - cpu[name], 2) for name, spent in flock.cpu_seconds().items()}
            say(f"all deployed after {total:.1f} s; 20 at once")
            twenty, _ = await at_once(flock, heard, names[:20])
            say(f"all deployed after {twenty:.1f} s; {events} events through tracking")
            project = await projecting(flock, events)
            say(f"{project:,.0f}/s; {events // 2} events through the trainer")
            react = await reacting(flock, heard, events // 2)
            say(f"{react:,.0f}/s; ending the flock")
    return {
        "by_rest": by_rest,
        "stages": heard.stages(chains),
        "by_event": by_event,
        "burst": burst,
        "total": total,
        "each": each,
        "twenty": twenty,
        "projecting": project,
        "reacting": react,
        "cpu_seconds_of_burst": cpu,
    }


def prefect(python: Path, quick: bool) -> dict[str, Any]:
    """The same five steps in Prefect, in its own environment: its answers come as JSON on the last line."""
    say("starting Prefect's server")
    command = [str(python), str(Path(__file__).parent / "prefect_peer.py"), *(["--quick"] if quick else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        last = ""
        for line in process.stdout:
            if line.startswith("{"):
                last = line
            else:
                say(line.rstrip())
    if process.returncode or not last:
        raise SystemExit(f"Prefect's side ended with exit code {process.returncode}: see above")
    found: dict[str, Any] = json.loads(last)
    return found


def rows(mine: dict[str, Any], peer: dict[str, Any] | None) -> list[Row]:
    p50, p99 = (percentile(mine["by_rest"], percent) for percent in (50, 99))
    found = [
        Row(
            what="trigger by REST to model.deployed, one at a time",
            ours=p50,
            ours_p99=p99,
            unit="ms",
            target=100,
            floor=200,
        ),
        Row(
            what="trigger by publishing, one at a time",
            ours=percentile(mine["by_event"], 50),
            ours_p99=percentile(mine["by_event"], 99),
            unit="ms",
        ),
        Row(
            what=f"{mine['burst']} at once: all deployed",
            ours=mine["total"],
            unit="s",
            target=5,
            floor=5,
        ),
        Row(
            what=f"{mine['burst']} at once: each",
            ours=percentile(mine["each"], 50) * 1000,
            ours_p99=percentile(mine["each"], 99) * 1000,
            unit="ms",
        ),
        Row(what="workflows per second, all at once", ours=mine["burst"] / mine["total"], unit="1/s"),
        Row(what="events per second, tracking projecting", ours=mine["projecting"], unit="1/s"),
        Row(what="events per second, trainer reacting", ours=mine["reacting"], unit="1/s"),
    ]
    if peer is not None:
        served, called = peer["served_ms"], peer["called_ms"]
        found[1:1] = [
            Row(
                what="… beside Prefect served, poll of 1 s",
                ours=p50,
                ours_p99=p99,
                peer=percentile(served, 50),
                peer_p99=percentile(served, 99),
                unit="ms",
                judged="ratio",
                more_is_better=True,
                target=20,
                floor=10,
            ),
            Row(
                what="… beside Prefect called in process",
                ours=p50,
                ours_p99=p99,
                peer=percentile(called, 50),
                peer_p99=percentile(called, 99),
                unit="ms",
                judged="ratio",
                more_is_better=True,
                target=10,
                floor=5,
            ),
            Row(what="20 at once: all done", ours=mine["twenty"], peer=peer["twenty_s"], unit="s"),
        ]
    return found


def write_profile(stages: dict[str, list[float]]) -> None:
    """Where the time of one workflow goes, as heard from outside: between which events how long."""
    lines = [f"{'from one event to the next':48} {'p50':>8} {'p99':>8}  ms"]
    for stage, took in stages.items():
        if len(took) > 1:
            lines.append(f"{stage:48} {percentile(took, 50):8.1f} {percentile(took, 99):8.1f}")
    (results.RESULTS / "choreography-profile.txt").write_text("\n".join(lines) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefect", type=Path, help="Python of an environment that has Prefect; without: ours only")
    parser.add_argument("--quick", action="store_true", help="few of everything: to try the benchmark itself")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside, it still ends its flock
    before = results.machine(
        kafka="4.3.0", aiokafka=version("aiokafka"), fastapi=version("fastapi"), pydantic=version("pydantic")
    )
    mine = asyncio.run(ours(given.quick))
    peer = prefect(given.prefect, given.quick) if given.prefect else None
    settings = {
        "ours": {
            "store": "sqlite, one file a service, WAL, synchronous=FULL",
            "broker": "one, acks=all, idempotent; MURMUR_DURABILITY=process (the default of murmur up)",
            "environment": ENVIRONMENT,
            "review": "none",
            "no-op": "worker, measuring, report, model server, routes",
            "cpu_seconds_of_burst": mine["cpu_seconds_of_burst"],
        },
        "peer": peer["settings"] if peer else None,
    }
    write_profile(mine["stages"])
    say("done")
    return results.finish("choreography", rows(mine, peer), machine=before, settings=settings)


if __name__ == "__main__":
    sys.exit(main())
