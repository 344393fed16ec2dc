"""Logging runs and finding them again, beside a stock `mlflow server`, by MLflow's own protocol and its own client.

`make bench-tracking`. Both sides are given by a URI or started here; they are asked the same, in turn, so that what
disturbs the machine disturbs both. Two things slow the peer that are not its store: its workers answer in two parts
under Nagle's algorithm, and its SQLite was never analysed. "as shipped" leaves both; the ratios that are judged are
without them. Before anything is timed, each side must give back what it acknowledged; each search is checked against
the runs that were put in.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import results
from results import RESULTS, Row
from tracked import filling, judging, made, writes
from tracked.measuring import Pair, by_their_client, say
from tracked.profiling import profile
from tracked.reads import Reader
from tracked.rebuilding import rebuild
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

            judged = pair.in_turn(what, lambda one, ask=ask: ask(one, quick=True), repeats=sizes.repeats)
            rows += judging.throughput(what, *judged, judging.WRITES)
            shipped = f"{what}, as shipped"
            plain = pair.in_turn(shipped, lambda one, ask=ask: ask(one, quick=False), repeats=sizes.repeats)
            rows += judging.throughput(shipped, *plain)
    return rows


class History:
    """The runs that are searched, in an experiment of each side."""

    def __init__(self, pair: Pair, sizes: Sizes, *, only_rest: bool) -> None:
        self._pair, self._sizes, self._only_rest = pair, sizes, only_rest
        self._count = 0
        self.experiments = {one.name: filling.experiment(one.uri) for one in pair.sides}
        self.readers = {one.name: Reader(one.uri, self.experiments[one.name]) for one in pair.sides}
        self.how = {one.name: "SQL in bulk" if self._by_sql(one) else "REST, 16 connections" for one in pair.sides}

    def grow(self, count: int) -> None:
        for one in self._pair.sides:
            say(f"{one.name}: {count - self._count:,} runs by {self.how[one.name]}")
            place, report = self.experiments[one.name], lambda text, one=one: say(f"{one.name}: {text}")
            if self._by_sql(one):
                assert one.database
                filling.by_sql(one.database, place, self._count, count, report)
            else:
                filling.by_rest(one.uri, place, self._count, count, report)
        self._count = count
        for reader in self.readers.values():
            reader.check(count)
        say(f"both sides find the right ones among {count:,} runs")

    def search(self) -> list[Row]:
        """The first row is as MLflow is shipped, the second after ANALYZE, the third without the stall too."""
        what = f"search, {self._count:,} runs"
        asked = judging.SEARCH if self._count >= 100_000 else None
        self._analysed(False)
        rows = [judging.latency(f"{what}, as shipped", *self._searched(f"{what}, as shipped", quick=False))]
        rows.append(judging.latency(f"{what}, no stall", *self._searched(f"{what}, no stall", quick=True)))
        self._analysed(True)
        name = f"{what}, no stall, peer analysed"
        rows.append(judging.latency(name, *self._searched(name, quick=True), asked))
        self._analysed(False)
        return rows

    def compare(self) -> list[Row]:
        rows, repeats = [], 3 * self._sizes.repeats
        for quick, how in ((False, "as shipped"), (True, "no stall")):
            what = f"100 runs by 100 runs/get, {self._count:,} runs, {how}"
            found = self._pair.in_turn(
                what, lambda one, quick=quick: self.readers[one.name].one_by_one(repeats=repeats, quick=quick)
            )
            rows.append(judging.latency(what, *found))
        path = self._pair.ours.compare
        if path:
            ours = self.readers[self._pair.ours.name].compared(path, repeats=10 * repeats)
            what = f"100 runs to compare, {self._count:,} runs (peer: 100 runs/get, no stall)"
            say(f"{what}: p50 {ours.p50:.2f} ms, p95 {ours.p95:.2f} ms")
            rows.append(judging.comparing(what, ours, found[1]))
        return rows

    def by_client(self, python: Path) -> list[Row]:
        rows = []
        for quick, how in ((False, "as shipped"), (True, "no stall")):
            ours, peer = (
                by_their_client(python, one, self.experiments[one.name], seconds=self._sizes.seconds, quick=quick)
                for one in self._pair.sides
            )
            rows += [judging.latency(f"mlflow's client, {what}, {how}", ours[what], peer[what]) for what in ours]
            say(
                f"mlflow's client, {how}: " + ", ".join(f"{r.what} {r.ours:.1f} and {r.peer:.1f} ms" for r in rows[-5:])
            )
        return rows

    def _by_sql(self, one: Side) -> bool:
        return one.database is not None and not self._only_rest

    def _analysed(self, wanted: bool) -> None:
        for one in self._pair.sides:
            if one.database:
                (filling.analyse if wanted else filling.forget_analysis)(one.database)

    def _searched(self, what: str, *, quick: bool) -> tuple[Timed, Timed]:
        for reader in self.readers.values():  # once, so that what the disk cache lacks counts for nobody
            reader.search(most=1, seconds=0, quick=quick)
        return self._pair.in_turn(
            what,
            lambda one: self.readers[one.name].search(
                most=self._sizes.queries, seconds=self._sizes.patience, quick=quick
            ),
        )


def profiles(one: Side, reader: Reader, spy: Path, folder: Path) -> str:
    if one.process is None:
        return "of a server that somebody else has started there is no profile\n"
    process, longer = one.process, _SPY_SECONDS + 4
    batch = lambda: writes.Writer(one.uri).measure(writes.LOG_BATCH, 1, seconds=longer, quick=True)  # noqa: E731
    search = lambda: reader.search(most=10**9, seconds=longer, quick=True)  # noqa: E731
    parts = []
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
            if ours.home:
                say("made again from the log")
                again = rebuild(ours.home)
                what = f"murmur rebuild tracking, {sizes.runs[-1]:,} runs and what was written besides"
                rows.append(Row(what=what, ours=again.seconds, unit="s"))
                settings["rebuild"] = {"records": again.handled, "answers the same": again.same, "said": again.said}
    return results.finish(given.name, rows, machine=machine, settings=settings)


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
    rows += judging.disk(
        f"on disk, {sizes.runs[-1]:,} runs and what was written besides", *(s.on_disk() for s in pair.sides)
    )
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
