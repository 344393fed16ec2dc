"""A history that grows on both sides alike, and what is asked of it at each size."""

from functools import partial
from pathlib import Path

from results import Row

from tracked import filling, judging
from tracked.measuring import Pair, by_their_client, say
from tracked.reads import Reader
from tracked.settings import Sizes
from tracked.sides import Side
from tracked.wire import Timed


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

        def ask(one: Side, *, quick: bool) -> Timed:
            return self.readers[one.name].one_by_one(repeats=repeats, quick=quick)

        for quick, how in ((False, "as shipped"), (True, "no stall")):
            what = f"100 runs by 100 runs/get, {self._count:,} runs, {how}"
            found = self._pair.in_turn(what, partial(ask, quick=quick))
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
            told = (f"{what} {ours[what].p50:,.1f} and {peer[what].p50:,.1f} ms" for what in ours)
            say(f"mlflow's client, {how}, p50 of ours and the peer's: {', '.join(told)}")
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
