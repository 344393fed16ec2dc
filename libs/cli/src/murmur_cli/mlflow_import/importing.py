"""A whole import: in which order, and what goes on side by side."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from murmur_cli.mlflow_import.errors import Refusal
from murmur_cli.mlflow_import.experiments import Experiments, Placed
from murmur_cli.mlflow_import.files import Files
from murmur_cli.mlflow_import.logged_models import LoggedModels, measures_of
from murmur_cli.mlflow_import.origins import Origins
from murmur_cli.mlflow_import.registered import Registered
from murmur_cli.mlflow_import.runs import Filed, Runs
from murmur_cli.mlflow_import.shapes import Json
from murmur_cli.mlflow_import.sink import Known, Sink
from murmur_cli.mlflow_import.sink_registry import RegistrySink
from murmur_cli.mlflow_import.source import Source
from murmur_cli.mlflow_import.source_registry import Registry
from murmur_cli.mlflow_import.tally import Kind, Tally
from murmur_cli.mlflow_import.versions import Versions

T = TypeVar("T")

AT_ONCE = 8
"""Runs on their way at once: most of the time each waits for the other side."""


class NoSuchExperiment(Exception):
    """names: those that there are."""

    def __init__(self, wanted: str, names: Sequence[str]) -> None:
        shown = ", ".join(repr(name) for name in sorted(names)[:20]) + (", …" if len(names) > 20 else "")
        super().__init__(f"the source has no experiment {wanted!r}; it has {shown or 'none'}")


class Import:
    """From one server into one workspace of the flock. It may end at any call; done again, it takes what is left."""

    def __init__(
        self, source: Source, sink: Sink, tally: Tally, *, by: str | None = None, at_once: int = AT_ONCE
    ) -> None:
        """by: who is written down in the registry's history, None where a token says it."""
        self._source = source
        self._sink = sink
        self._tally = tally
        self._by = by
        self._at_once = at_once
        self._owners: set[str] = set()
        self._files = Files(sink, tally)

    async def run(self, names: Sequence[str] = ()) -> None:
        """names: of experiments; none for all. Raises NoSuchExperiment, Lost, NoImport."""
        wanted = _wanted(await self._source.experiments(), names)
        self._tally.finds(Kind.EXPERIMENT, len(wanted))
        experiments = Experiments(self._sink, self._tally, self._source.address)
        placed = await experiments.place(wanted)
        models = await self._logged_models(placed)
        measures = measures_of(models.values())
        for each in placed:
            await self._runs(each, measures, set(models))
            if await self._source.has_traces(each.there["experiment_id"]):
                self._tally.remarks_once(f"the traces of {each.there['name']!r} stay there: a flock keeps none")
        await self._registered(None if not names else self._owners | set(models))

    async def _logged_models(self, placed: Sequence[Placed]) -> dict[str, Json]:
        """Those that are here now, by id: before the runs that measured them."""
        taking = LoggedModels(self._source, self._sink, self._files, self._tally)
        here: dict[str, Json] = {}
        for each in placed:
            try:
                models = await self._source.logged_models(each.there["experiment_id"])
            except Refusal as refusal:
                if not refusal.is_absent:
                    self._tally.leaves(Kind.LOGGED_MODEL, f"all of {each.there['name']!r}", str(refusal))
                    continue
                self._tally.remarks_once("the source knows no logged models: they came with MLflow 3")
                return here
            self._tally.finds(Kind.LOGGED_MODEL, len(models))
            known = await self._sink.known_models(each.here)

            async def take(model: Json, each: Placed = each, known: dict[str, Known] = known) -> None:
                model_id = model["info"]["model_id"]
                if await taking.take(model, each.here, known.get(model_id)):
                    here[model_id] = model

            await side_by_side(_each(models), take, self._at_once)
        return here

    async def _runs(self, placed: Placed, measures: Mapping[str, Sequence[Json]], models: set[str]) -> None:
        taking = Runs(self._source, self._sink, self._files, self._tally, measures, models)
        filed = Filed(placed.here, placed.binned, await self._sink.known_runs(placed.here))

        async def take(run: Json) -> None:
            self._owners.add(run["info"]["run_id"])
            self._tally.finds(Kind.RUN)
            await taking.take(run, filed)

        await side_by_side(self._source.runs(placed.there["experiment_id"]), take, self._at_once)

    async def _registered(self, owners: set[str] | None) -> None:
        reading, tally, address = Registry(self._source), self._tally, self._source.address
        writing = RegistrySink(self._sink, by=self._by, reason=f"imported from {address}")
        versions = Versions(writing, Origins(self._source, self._sink), tally, address)
        try:
            await Registered(reading, writing, versions, tally, address, owners).take()
        except Refusal as refusal:
            if refusal.is_absent:
                tally.remarks_once("the source has no registry of models")
            else:
                tally.leaves(Kind.MODEL, "all", str(refusal))


async def side_by_side(items: AsyncIterator[T], work: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """The work of each; the first error ends all of it."""
    going: set[asyncio.Future[None]] = set()
    try:
        async for item in items:
            if len(going) >= at_once:
                done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    one.result()
            going.add(asyncio.ensure_future(work(item)))
        while going:
            done, going = await asyncio.wait(going, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
    finally:
        for one in going:
            one.cancel()
        await asyncio.gather(*going, return_exceptions=True)


async def _each(items: Iterable[T]) -> AsyncIterator[T]:
    for item in items:
        yield item


def _wanted(there: Sequence[Json], names: Sequence[str]) -> list[Json]:
    found = {one["name"]: one for one in there}
    for name in names:
        if name not in found:
            raise NoSuchExperiment(name, list(found))
    wanted = [found[name] for name in dict.fromkeys(names)] if names else list(there)
    return sorted(wanted, key=lambda one: (int(one.get("creation_time") or 0), one["experiment_id"]))
