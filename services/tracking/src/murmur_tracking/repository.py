"""What tracking keeps: one document a run, and beside it what the run said in batches, so that no run grows with it."""

from collections.abc import Callable
from dataclasses import dataclass

from murmur_kernel.documents import Kind
from murmur_kernel.store import Store
from murmur_kernel.unit_of_work import Collection, Origin, UnitOfWork
from murmur_tracking.domain.experiments import Experiment, ExperimentName
from murmur_tracking.domain.facts import Points
from murmur_tracking.domain.logged_models import LoggedModel, ModelMetrics
from murmur_tracking.domain.runs import Run
from murmur_tracking.domain.shares import Share
from murmur_tracking.domain.workspaces import Workspace
from murmur_tracking.search.entries import ExperimentChange, RunChange


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Points and lines of a run, in the order in which they were said.

    One run.logged of the trainer, under its sequence in the run's history; of a client's run as many small ones as fit.
    """

    __pydantic_config__ = {"ser_json_inf_nan": "strings"}  # noqa: RUF012  # a run that diverges logs NaN: keep it as such

    run_id: str
    attempt: int
    sequence: int
    points: Points
    lines: tuple[str, ...] = ()


def attempt_of(run: Run) -> int:
    """Under which attempt the batches are kept that people are shown: a client's are one history, however often it was
    resumed."""
    if run.sheet:
        return 0
    return run.work.attempt if run.work else run.attempt


def batch_id(run_id: str, attempt: int, sequence: int) -> str:
    return f"{run_id}/{attempt}/{sequence}"


def name_id(workspace: str, name: str) -> str:
    return f"{workspace}/{name}"


def model_metrics_id(model_id: str, run_id: str) -> str:
    return f"{model_id}/{run_id}"


RUNS = Kind(
    "run",
    Run,
    key=lambda run: run.run_id,
    indexes=("workflow", "status", "trigger_kind", "started_at", "ended_at"),
    entry=RunChange,
)
BATCHES = Kind(
    "batch",
    Batch,
    key=lambda batch: batch_id(batch.run_id, batch.attempt, batch.sequence),
    indexes=("run_id", "attempt", "sequence"),
)
EXPERIMENTS = Kind(
    "experiment",
    Experiment,
    key=lambda experiment: experiment.id,
    indexes=("workspace", "created_at"),
    entry=ExperimentChange,
)
EXPERIMENT_NAMES = Kind("experiment-name", ExperimentName, key=lambda taken: name_id(taken.workspace, taken.name))
SHARES = Kind("share", Share, key=lambda share: share.id, indexes=("token_sha256", "run_id", "shared_at"))

LOGGED_MODELS = Kind("logged-model", LoggedModel, key=lambda model: model.id, indexes=("workspace", "experiment"))
MODEL_METRICS = Kind(
    "model-metrics",
    ModelMetrics,
    key=lambda metrics: model_metrics_id(metrics.model_id, metrics.run_id),
    indexes=("model_id", "workspace"),
)
"""Beside the model: what a run measured may be known before it."""

WORKSPACES = Kind("workspace", Workspace, key=lambda workspace: workspace.name, indexes=("name", "exists"))

KINDS = (RUNS, BATCHES, EXPERIMENTS, EXPERIMENT_NAMES, LOGGED_MODELS, MODEL_METRICS, SHARES, WORKSPACES)


class TrackingUnitOfWork(UnitOfWork):
    """heard: called when it has committed something that calls may wait for"""

    def __init__(self, store: Store, origin: Origin, heard: Callable[[], None] = lambda: None) -> None:
        super().__init__(store, origin)
        self._heard = heard

    async def commit(self) -> None:
        await super().commit()
        if any(kind == WORKSPACES.name for kind, _ in self._saved):
            self._heard()

    @property
    def runs(self) -> Collection[Run]:
        return self.collection(RUNS)

    @property
    def batches(self) -> Collection[Batch]:
        return self.collection(BATCHES)

    @property
    def experiments(self) -> Collection[Experiment]:
        return self.collection(EXPERIMENTS)

    @property
    def experiment_names(self) -> Collection[ExperimentName]:
        return self.collection(EXPERIMENT_NAMES)

    @property
    def logged_models(self) -> Collection[LoggedModel]:
        return self.collection(LOGGED_MODELS)

    @property
    def model_metrics(self) -> Collection[ModelMetrics]:
        return self.collection(MODEL_METRICS)

    @property
    def shares(self) -> Collection[Share]:
        return self.collection(SHARES)

    @property
    def workspaces(self) -> Collection[Workspace]:
        return self.collection(WORKSPACES)
