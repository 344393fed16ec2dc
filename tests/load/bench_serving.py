"""One model server on one core, beside four others with the same model and the same generators of load.

`make bench-serving`. 30 features, 200 trees of depth 6, one row a request, all servers up at once and asked in turn, so
that what disturbs the machine disturbs all of them; the generators and the broker have the other core. Ours checks
every request against the signature and has every row in its prediction log before it answers; "shipped" means to a
real Kafka, "on disk" that rows stay there, "off" that only failures are logged. The peers check and log nothing.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import results
from results import RESULTS, Row
from servers import front_door, limits, loading, model, starting
from servers.loading import Measured, middle
from servers.starting import PEERS, Server

from murmur_runtime.testing import running_broker

_BEGAN = time.monotonic()
SHIPPED, ON_DISK, OFF = "ours, log shipped", "ours, log on disk", "ours, log off"
STOCK, FASTAPI = "stock MLServer", "FastAPI by hand"
PACKAGES = {"mlserver": "mlserver", "bentoml": "bentoml", "mlflow": "mlflow", "fastapi": "fastapi"}
GROWTH = ((10, 200), (100, 200), (300, 200), (30, 50), (30, 1000))
"""(features, trees)."""


def say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", flush=True)


@contextmanager
def servers(made: model.BenchModel, home: Path, brokers: str) -> Iterator[dict[str, Server]]:
    with ExitStack() as stack:
        started = [
            starting.ours(made, home, logged=1.0, brokers=brokers, name=SHIPPED),
            starting.ours(made, home, logged=1.0, name=ON_DISK),
            starting.ours(made, home, logged=0.0, name=OFF),
            starting.stock(made, home),
            starting.bentoml(made, home),
            starting.mlflow(made, home),
            starting.fastapi(made, home),
        ]
        for one in started:
            stack.callback(one.end)
        for one in started:
            one.until_right(made.expected[0])
            say(f"{one.name} answers as XGBoost does")
        yield {one.name: one for one in started}


def as_fast_as_they_go(
    asked: dict[str, Server], home: Path, *, repeats: int, seconds: float
) -> dict[tuple[str, int], Measured]:
    """By server and connections: medians."""
    runs: dict[tuple[str, int], list[Measured]] = {}
    for one in asked.values():
        loading.wrk(one, home, connections=16, seconds=2)
    for repeat in range(repeats):
        for one in asked.values():
            for connections in (16, 64):
                found = loading.wrk(one, home, connections=connections, seconds=seconds)
                runs.setdefault((one.name, connections), []).append(found)
                say(
                    f"{one.name}, {connections} connections, run {repeat + 1}: {found.rate:,.0f}/s,"
                    f" p99 {found.p99:.1f} ms"
                )
    return {key: middle(found) for key, found in runs.items()}


def over_grpc(asked: list[Server], home: Path, *, repeats: int, seconds: int) -> dict[str, Measured]:
    runs: dict[str, list[Measured]] = {}
    for repeat in range(repeats):
        for one in asked:
            found = loading.ghz(one, home, concurrency=64, seconds=seconds)
            runs.setdefault(one.name, []).append(found)
            say(f"{one.name}, gRPC, run {repeat + 1}: {found.rate:,.0f}/s, p99 {found.p99:.1f} ms")
    return {name: middle(found) for name, found in runs.items()}


def growing(home: Path, seconds: float) -> list[Row]:
    rows = []
    for columns, trees in GROWTH:
        made = model.make(columns, trees)
        one = starting.ours(made, home, logged=1.0, name=f"ours {columns} {trees}")
        try:
            one.until_right(made.expected[0])
            found = loading.wrk(one, home, connections=64, seconds=seconds)
        finally:
            one.end()
        what = f"{columns} features, {trees} trees: answers, 64 connections, log on disk"
        rows.append(Row(what=what, ours=found.rate, ours_p99=found.p99, unit="1/s", more_is_better=True))
        say(f"{what}: {found.rate:,.0f}/s")
    return rows


def through_envoy(made: model.BenchModel, home: Path, *, repeats: int, seconds: float) -> list[Row]:
    """One replica on its core, and two, of which the second shares the core of Envoy and the generator."""
    rows: list[Row] = []
    with ExitStack() as stack:
        replicas = []
        for number, core in enumerate((starting.CORE, loading.CORE), start=1):
            one = starting.ours(made, home, logged=1.0, name=f"replica {number}", core=core)
            stack.callback(one.end)
            one.until_right(made.expected[0])
            replicas.append(one)
        for count in (1, 2):
            with front_door.front_door(replicas[:count], home) as door:
                door.until_right(made.expected[0])
                runs = [loading.wrk(door, home, connections=64, seconds=seconds) for _ in range(repeats)]
            found = loading.middle(runs)
            what = f"HTTP through Envoy, 64 connections, {count} of two cores serving: answers, log on disk"
            rows.append(Row(what=what, ours=found.rate, ours_p99=found.p99, unit="1/s", more_is_better=True))
            say(f"{what}: {found.rate:,.0f}/s, p99 {found.p99:.1f} ms")
    return rows


def judged(fast: dict[tuple[str, int], Measured], grpc: dict[str, Measured]) -> list[Row]:
    rows = []
    bounds = {STOCK: (10.0, 6.0), "BentoML": (15.0, 9.0)}
    for connections in (64, 16):
        mine = fast[SHIPPED, connections]
        for (name, number), peer in fast.items():
            if number == connections and name not in (SHIPPED, ON_DISK, OFF):
                target, floor = bounds.get(name, (None, None)) if connections == 64 else (None, None)
                what = f"HTTP, {connections} connections: answers, peer {name}"
                rows.append(_rates(what, mine, peer, target=target, floor=floor))
    slow = fast[SHIPPED, 64].p99
    rows.append(Row(what="HTTP, 64 connections: p99, log shipped", ours=slow, unit="ms", target=15.0, floor=30.0))
    for name in (SHIPPED, ON_DISK):
        lost = (1 - fast[name, 64].rate / fast[OFF, 64].rate) * 100
        rows.append(
            Row(what=f"throughput that the log costs, {name[6:]}", ours=lost, unit="%", target=15.0, floor=15.0)
        )
        more = (fast[name, 64].cost / fast[OFF, 64].cost - 1) * 100
        rows.append(Row(what=f"processor time that the log costs, {name[6:]}", ours=more, unit="%"))
    rows.append(
        _rates("gRPC, 64 at once: answers, peer stock MLServer", grpc[SHIPPED], grpc[STOCK], target=4.0, floor=3.0)
    )
    return rows


def _rates(what: str, mine: Measured, peer: Measured, *, target: float | None, floor: float | None) -> Row:
    return Row(
        what=what,
        ours=mine.rate,
        ours_p99=mine.p99,
        peer=peer.rate,
        peer_p99=peer.p99,
        unit="1/s",
        judged="ratio",
        more_is_better=True,
        rates=True,
        target=target,
        floor=floor,
    )


def at_a_rate(one: Server, home: Path, *, seconds: int) -> tuple[list[Row], dict[str, float]]:
    """Of what this generator can bring it to: at a rate it has more to do itself than wrk has."""
    capacity = loading.oha(one, home, seconds=seconds).rate
    rows, tails = [], {"capacity with oha": round(capacity)}
    for part in (0.5, 0.8):
        rate = round(capacity * part)
        found = loading.oha(one, home, rate=rate, seconds=seconds)
        what = f"HTTP at {rate:,}/s ({part:.0%} of capacity), log shipped: p50"
        rows.append(Row(what=what, ours=found.p50, ours_p99=found.p99, unit="ms"))
        tails |= {f"p99.9 at {part:.0%}": round(found.p999, 2), f"answered at {part:.0%}": round(found.rate)}
        say(f"{what} {found.p50:.2f} ms, p99 {found.p99:.2f} ms, p99.9 {found.p999:.2f} ms, {found.rate:,.0f}/s")
    return rows, tails


def profile(one: Server, home: Path) -> None:
    """Where the time goes, by function, as py-spy sees it from outside."""
    raw = home / "profile.txt"
    spy = [str(PEERS / "tools/bin/py-spy"), "record", "-d", "8", "-r", "200", "-f", "raw", "-o", str(raw)]
    watching = subprocess.Popen(
        [*spy, "-p", str(one.process.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    loading.wrk(one, home, connections=64, seconds=10)
    watching.wait(timeout=60)
    (RESULTS / "serving-profile.txt").write_text(limits.shares(raw.read_text()))


def costs(fast: dict[tuple[str, int], Measured], grpc: dict[str, Measured]) -> dict[str, Any]:
    """Processor microseconds an answer, which neighbours on the machine disturb least; not of servers whose children do
    the work."""
    return {
        "http, 64 connections": {
            name: round(found.cost) for (name, number), found in fast.items() if number == 64 and found.cost > 1
        },
        "grpc, 64 at once": {name: round(found.cost) for name, found in grpc.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs, once each: to see that it works")
    options = parser.parse_args()
    repeats, seconds = (1, 2) if options.quick else (3, 6)
    peers = {name: _version_in(name) for name in PACKAGES}
    machine = results.machine(
        onnxruntime=version("onnxruntime"), xgboost=version("xgboost-cpu"), **{f"peer_{k}": v for k, v in peers.items()}
    )
    made = model.make()
    with tempfile.TemporaryDirectory() as folder, running_broker(Path(folder) / "broker") as brokers:
        home = Path(folder)
        loading.leave_the_core_to_servers(brokers)
        with servers(made, home, brokers) as asked:
            fast = as_fast_as_they_go(asked, home, repeats=repeats, seconds=seconds)
            grpc = over_grpc([asked[SHIPPED], asked[STOCK]], home, repeats=repeats, seconds=seconds)
            rated, tails = at_a_rate(asked[SHIPPED], home, seconds=4 if options.quick else 15)
            profile(asked[SHIPPED], home)
        doors = through_envoy(made, home, repeats=repeats, seconds=seconds)
        rows = [*judged(fast, grpc), *rated, *doors, *limits.rows(made), *growing(home, seconds)]
    settings = {
        "generators": "core 1: wrk (closed), oha (at a rate, timed from when each was due), ghz (16 connections)",
        "servers": "core 0, one process each, OMP_NUM_THREADS=1; peers with their defaults, but one process",
        "repeats": f"{repeats} of {seconds} s, medians",
        "processor microseconds an answer": costs(fast, grpc),
        **tails,
    }
    return results.finish("serving", rows, machine=machine, settings=settings)


def _version_in(peer: str) -> str:
    program = f"import importlib.metadata as m; print(m.version({PACKAGES[peer]!r}))"
    return subprocess.run([PEERS / peer / "bin/python", "-c", program], capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
