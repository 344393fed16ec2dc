"""What tracking keeps: one document a run, and beside it one a logged batch, so that no run grows with what it says."""

from dataclasses import dataclass

from murmur_kernel.documents import Kind
from murmur_kernel.unit_of_work import Collection, UnitOfWork
from murmur_tracking.domain.facts import Point
from murmur_tracking.domain.runs import Run


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One run.logged, under its place in the run's own history. Written once, never changed."""

    __pydantic_config__ = {"ser_json_inf_nan": "strings"}  # noqa: RUF012  # a run that diverges logs NaN: keep it as such

    run_id: str
    attempt: int
    sequence: int
    points: tuple[Point, ...]
    lines: tuple[str, ...]


RUNS = Kind(
    "run",
    Run,
    key=lambda run: run.run_id,
    indexes=("workflow", "status", "trigger_kind", "started_at", "ended_at"),
)
BATCHES = Kind(
    "batch",
    Batch,
    key=lambda batch: f"{batch.run_id}/{batch.attempt}/{batch.sequence}",
    indexes=("run_id", "attempt", "sequence"),
)

KINDS = (RUNS, BATCHES)


class TrackingUnitOfWork(UnitOfWork):
    @property
    def runs(self) -> Collection[Run]:
        return self.collection(RUNS)

    @property
    def batches(self) -> Collection[Batch]:
        return self.collection(BATCHES)
