"""Runs side by side: what is known of each, the histories of their metrics, and what they kept in files."""

from collections.abc import Sequence
from dataclasses import dataclass

from murmur_kernel.errors import Missing
from murmur_tracking.client_runs import workspace_of
from murmur_tracking.comparison_schemas import (
    CodeView,
    ComparisonView,
    EnvironmentView,
    FileDifferenceView,
    RowView,
    comparison_view,
)
from murmur_tracking.domain import sampling
from murmur_tracking.domain.code import code_difference
from murmur_tracking.domain.comparison import compare
from murmur_tracking.domain.environments import environment_difference
from murmur_tracking.domain.runs import Run
from murmur_tracking.keepsakes import Keepsakes
from murmur_tracking.repository import RUNS, TrackingUnitOfWork
from murmur_tracking.schemas import CurveView, HistoryView
from murmur_tracking.views import all_points


@dataclass(frozen=True, kw_only=True)
class CompareRuns:
    """workspace: of all of them, as it is kept. histories: the metrics whose values over the steps are wanted; samples:
    about so many steps of each."""

    workspace: str
    run_ids: tuple[str, ...]
    histories: tuple[str, ...] = ()
    samples: int = 300


@dataclass(frozen=True)
class Compared:
    """The runs, in the order asked for, beside the answer about them."""

    runs: Sequence[Run]
    view: ComparisonView


async def compare_runs(query: CompareRuns, uow: TrackingUnitOfWork) -> Compared:
    """In the order given, each once. Raises Missing, also for a run of another workspace."""
    ids = list(dict.fromkeys(query.run_ids))
    runs = [run for run in await uow.runs.get_many(ids) if workspace_of(run) == query.workspace]
    if len(runs) < len(ids):
        known = {run.run_id for run in runs}
        raise Missing(RUNS.name, next(run_id for run_id in ids if run_id not in known))
    view = comparison_view(runs, compare(runs))
    for metric in dict.fromkeys(query.histories):
        view.histories.append(await _history(metric, runs, query.samples, uow))
    return Compared(runs, view)


def with_files(view: ComparisonView, kept: Sequence[Keepsakes]) -> ComparisonView:
    """The answer, with what the runs' files say of their environments and their code."""
    environment = environment_difference([one.environment for one in kept])
    changes = code_difference([one.code for one in kept])
    ids = [run.run_id for run in view.runs]
    unread = {run_id: list(one.unread) for run_id, one in zip(ids, kept, strict=True) if one.unread}
    return view.model_copy(
        update={
            "environment": EnvironmentView(
                known=[one.environment is not None for one in kept],
                same=environment.same,
                rows=[RowView.model_validate(row) for row in environment.rows],
            ),
            "code": CodeView(
                known=[one.code is not None for one in kept],
                differences=[
                    FileDifferenceView(run=ids[one.place], against=ids[one.against], file=one.file, lines=one.lines)
                    for one in changes
                ],
            ),
            "unread": unread,
        }
    )


async def _history(metric: str, runs: Sequence[Run], samples: int, uow: TrackingUnitOfWork) -> HistoryView:
    """The same steps of all runs, so that curves can be laid over each other."""
    points = [sorted({point[1:] for point in await all_points(run, metric, uow)}, key=_order) for run in runs]
    steps = sampling.steps([[point[0] for point in one] for one in points], None, samples)
    return HistoryView(metric=metric, curves=[_curve([p for p in one if p[0] in steps]) for one in points])


def _order(point: tuple[int, int, float]) -> tuple[int, int]:
    return point[:2]


def _curve(points: Sequence[tuple[int, int, float]]) -> CurveView:
    return CurveView(
        step=[step for step, _, _ in points],
        time=[time for _, time, _ in points],
        value=[value for _, _, value in points],
    )
