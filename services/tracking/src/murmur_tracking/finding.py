"""Finds runs by what they are, in one page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from murmur_search.paging import RunQuery, RunsPage
from murmur_tracking import experiments
from murmur_tracking.domain.experiments import Experiment
from murmur_tracking.domain.runs import Run
from murmur_tracking.experiments import ExperimentOf
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.search import CountRuns, FindRuns, Keys, ListKeys, RunCount

MOST_KEYS = 500
"""Of each kind: more columns are chosen from by nobody."""


@dataclass(frozen=True)
class FoundRuns:
    """In order. experiments: those asked for that there are, by id."""

    runs: list[Run]
    experiments: Mapping[str, Experiment]
    next_token: str | None


async def find_runs(query: RunQuery, uow: TrackingUnitOfWork) -> FoundRuns:
    """The runs of an experiment in the bin are there too, all of them. Raises TokenRefused."""
    of = {one.id: one for one in await uow.experiments.get_many(query.experiments) if one.workspace == query.workspace}
    binned = [name for name, one in of.items() if one.deleted]
    kept = [name for name, one in of.items() if not one.deleted]
    if binned and query.lifecycle != "active" and not kept:
        query = replace(query, experiments=tuple(binned), lifecycle=None)
    else:
        query = replace(query, experiments=tuple(kept if query.lifecycle == "active" else of))
    page: RunsPage = await uow.ask(FindRuns(query))
    return FoundRuns(await uow.runs.get_many(page.ids), of, page.next_token)


async def list_experiments(workspace: str, uow: TrackingUnitOfWork) -> list[tuple[Experiment, RunCount | None]]:
    """All of a workspace, those in the bin too; the one with the newest run first, then those without runs."""
    counts: Mapping[str, RunCount] = await uow.ask(CountRuns(workspace))
    found = [(one, counts.get(one.id)) for one in await experiments.all_of(workspace, uow)]
    return sorted(found, key=lambda each: (-(each[1].last if each[1] else 0), each[0].name))


async def list_keys(which: ExperimentOf, uow: TrackingUnitOfWork) -> Keys:
    """Names that may be shown and searched by. Raises NoSuchThing."""
    experiment = await experiments.require(which, uow)
    keys: Keys = await uow.ask(ListKeys(experiment.id, experiment.workspace, MOST_KEYS))
    return keys
