"""Logging runs and finding them again, beside a stock `mlflow server`, by MLflow's own protocol and its own client.

`make bench-tracking`. Both sides are given by a URI or started here; they are asked the same, in turn, so that what
disturbs the machine disturbs both. Two things slow the peer that are not its store: its workers answer in two parts
under Nagle's algorithm, and its SQLite was never analysed. "as shipped" leaves both; the ratios that are judged are
without them. Before anything is timed, each side must give back what it acknowledged; each search is checked against
the runs that were put in.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import results
from results import RESULTS, Row
from tracked import judging, made, writes
from tracked.history import History
from tracked.measuring import Pair, say
from tracked.profiling import profile
from tracked.reads import Reader
from tracked.rebuilding import Rebuilding, rebuild
from tracked.settings import Sizes
from tracked.sides import Side, side
from tracked.wire import Timed

_PEER = Path(".bench/mlflow/bin/python")
_SPY_SECONDS = 8


def written(pair: Pair, sizes: Sizes) -> list[Row]:
    rows = []
    for kind in writes.KINDS:
        for clients in writes.CONNECTIONS:
            what = f"{kind}, {'one client' if clients == 1 else f'{clients} clients'}"

            def ask(one: Side, *, quick: bool, kind: str = kind, clients: int = clients) -> Timed:
                return writes.Writer(one.uri).measure(kind, clients, seconds=sizes.seconds, quick=quick)

            judged = pair.in_turn(what, partial(ask, quick=True), repeats=sizes.repeats)
            rows += judging.throughput(what, *judged, judging.WRITES)
            shipped = f"{what}, as shipped"
            plain = pair.in_turn(shipped, partial(ask, quick=False), repeats=sizes.repeats)
            rows += judging.throughput(shipped, *plain)
    return rows


def profiles(one: Side, reader: Reader, spy: Path, folder: Path) -> str:
    if one.process is None:
        return "of a server that somebody else has started there is no profile\n"
    process, longer = one.process, _SPY_SECONDS + 4
    batch = lambda: writes.Writer(one.uri).measure(writes.LOG_BATCH, 1, seconds=longer, quick=True)  # noqa: E731
    search = lambda: reader.search(most=10**9, seconds=longer, quick=True)  # noqa: E731
    parts: list[str] = []
    for name, work in ((f"{writes.LOG_BATCH}, one client", batch), ("search, one client", search)):
        say(f"profile of {name}")
        raw = folder / f"{len(parts)}.raw"
        parts.append(f"{name}\n{profile(spy, process, work, seconds=_SPY_SECONDS, raw=raw)}")
    return "\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", default="flock", help="flock (started here), stock (to try the benchmark), or a URI")
    parser.add_argument("--peer", default="stock", help="stock (mlflow server, started here), or a URI")
    parser.add_argument("--python", type=Path, default=_PEER, help="of an environment that has mlflow and py-spy")
    parser.add_argument("--only-rest", action="store_true", help="fill a stock server through its door too (hours)")
    parser.add_argument("--name", default="tracking", help="of the results file")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside, it still ends what it started
    sizes, python, machine = Sizes.of_environment(), given.python.absolute(), results.machine()
    with tempfile.TemporaryDirectory(prefix="murmur-bench-", ignore_cleanup_errors=True) as home:
        folder = Path(home)
        with (
            side(given.ours, "ours", folder / "ours", python) as ours,
            side(given.peer, "peer", folder / "peer", python) as peer,
        ):
            rows, settings = measured(
                Pair(ours, peer), sizes, python, folder, only_rest=given.only_rest, name=given.name
            )
            again = _again(ours.home) if ours.home else None
    if isinstance(again, Rebuilding):
        rows.append(Row(what=f"murmur rebuild tracking, {_all_of(sizes)}", ours=again.seconds, unit="s"))
    settings["rebuild"] = asdict(again) if isinstance(again, Rebuilding) else again
    below = results.finish(given.name, rows, machine=machine, settings=settings)
    return 1 if isinstance(again, str) or (again and not again.same) else below


def _again(home: Path) -> Rebuilding | str:
    """What went wrong, where it did: after half an hour of measuring that must not lose the rest."""
    say("made again from the log")
    try:
        return rebuild(home)
    except (RuntimeError, subprocess.SubprocessError) as error:
        say(str(error))
        return str(error)


def _all_of(sizes: Sizes) -> str:
    return f"{sizes.runs[-1]:,} runs and what was written besides"


def measured(
    pair: Pair, sizes: Sizes, python: Path, folder: Path, *, only_rest: bool, name: str
) -> tuple[list[Row], dict[str, Any]]:
    for one in pair.sides:
        writes.check(one.uri)
    say("both sides give back what they have acknowledged")
    pair.weigh("at the start")
    rows = written(pair, sizes)
    pair.weigh("after writing")
    history = History(pair, sizes, only_rest=only_rest)
    for count in sizes.runs:
        history.grow(count)
        pair.weigh(f"with {count:,} runs")
        rows += history.search()
        if count == sizes.runs[0]:
            rows += history.by_client(python)
        if count in (sizes.runs[0], sizes.runs[-1]):
            rows += history.compare()
        pair.weigh(f"with {count:,} runs, searched")
    rows += judging.memory(pair.memory)
    rows += judging.disk(f"on disk, {_all_of(sizes)}", *(one.on_disk() for one in pair.sides))
    text = profiles(pair.ours, history.readers[pair.ours.name], python.parent / "py-spy", folder)
    (RESULTS / f"{name}-profile.txt").write_text(text)
    return rows, {
        "ours": pair.ours.settings,
        "peer": pair.peer.settings,
        "history": {"filled by": history.how, "a run": "10 params, 10 metrics, 5 tags", "page": 100},
        "search": {"example": f"{made.query(1).filter} ORDER BY {made.query(1).order}", "clients": 1},
        "log_batch": "10 curves of 100 points, a new run for each client of each measurement",
        "client": "raw sockets, kept alive, closed loop, one process; no stall: TCP_QUICKACK before each read",
        "writes": f"{sizes.repeats} of {sizes.seconds:g} s, medians",
        "searches": f"{sizes.queries} of each, fewer where they take more than {sizes.patience:g} s",
        "refused by the peer": pair.refused,
    }


if __name__ == "__main__":
    sys.exit(main())
