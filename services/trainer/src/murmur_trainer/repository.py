"""What the trainer keeps: workflows with all their revisions, trainings, the line of each workflow, sweeps, slots,
freezes.

Documents extend the domain's types by what only others need: definition and code, and the chain to continue.
"""

from dataclasses import dataclass
from datetime import datetime

from murmur_events.runs import Provenance
from murmur_events.values import Artifact, DatasetRef, ModelArtifacts, Source
from murmur_events.workflows import WorkflowDefinition
from murmur_kernel.documents import Kind
from murmur_kernel.store import Store
from murmur_kernel.unit_of_work import Chain, Collection, Origin, UnitOfWork
from murmur_trainer.domain.freezes import Freeze
from murmur_trainer.domain.line import Line
from murmur_trainer.domain.slots import Slots
from murmur_trainer.domain.sweep import Sweep
from murmur_trainer.domain.training import Parameters, Training
from murmur_trainer.domain.workflow import Workflow


@dataclass(frozen=True, kw_only=True)
class Revision:
    """What was applied under one number: it never changes. source: of whoever was the first to apply it."""

    workflow: str
    revision: int
    definition: WorkflowDefinition
    code: Artifact
    applied_at: datetime
    source: Source | None = None


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a completed run was made of and what it made, so that it can be repeated. It never changes.

    periods: that its snapshot covers, oldest first.
    """

    __pydantic_config__ = {"ser_json_inf_nan": "strings"}  # noqa: RUF012  # a metric may be NaN: keep it as such

    run_id: str
    workflow: str
    revision: int
    as_of: datetime
    parameters: Parameters
    provenance: Provenance
    metrics: dict[str, float]
    dataset: DatasetRef
    model: ModelArtifacts
    periods: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TrainingDocument(Training):
    """`chain` is where training.requested stands: all that the run says continues there, however late it begins."""

    chain: Chain


@dataclass(frozen=True, kw_only=True)
class SweepDocument(Sweep):
    """`chain` is where sweep.requested stands."""

    chain: Chain


def revision_id(workflow: str, revision: int) -> str:
    return f"{workflow}@{revision}"


WORKFLOWS = Kind("workflow", Workflow, key=lambda workflow: workflow.name, indexes=("name",))
REVISIONS = Kind("revision", Revision, key=lambda entry: revision_id(entry.workflow, entry.revision))
TRAININGS = Kind(
    "training",
    TrainingDocument,
    key=lambda training: training.run_id,
    indexes=("workflow", "state", "sweep", "requested_at"),
)
RECORDS = Kind("record", RunRecord, key=lambda record: record.run_id)
SWEEPS = Kind("sweep", SweepDocument, key=lambda sweep: sweep.sweep_id, indexes=("workflow", "state", "requested_at"))
SLOTS = Kind("slots", Slots, key=lambda slots: slots.name)
LINES = Kind("line", Line, key=lambda line: line.workflow)
FREEZES = Kind("freeze", Freeze, key=lambda freeze: freeze.scope, indexes=("scope", "active"))

TRAIN, TICK, OVERDUE = "train", "tick", "training-overdue"
"""The kinds of the trainer's jobs."""

KINDS = (WORKFLOWS, REVISIONS, TRAININGS, RECORDS, LINES, SWEEPS, SLOTS, FREEZES)


class TrainerUnitOfWork(UnitOfWork):
    """training_slots: trainings at once, of all replicas together."""

    def __init__(self, store: Store, origin: Origin, *, training_slots: int = 1) -> None:
        super().__init__(store, origin)
        self.training_slots = training_slots

    @property
    def workflows(self) -> Collection[Workflow]:
        return self.collection(WORKFLOWS)

    @property
    def revisions(self) -> Collection[Revision]:
        return self.collection(REVISIONS)

    @property
    def trainings(self) -> Collection[TrainingDocument]:
        return self.collection(TRAININGS)

    @property
    def records(self) -> Collection[RunRecord]:
        return self.collection(RECORDS)

    @property
    def lines(self) -> Collection[Line]:
        return self.collection(LINES)

    @property
    def sweeps(self) -> Collection[SweepDocument]:
        return self.collection(SWEEPS)

    @property
    def slots(self) -> Collection[Slots]:
        return self.collection(SLOTS)

    @property
    def freezes(self) -> Collection[Freeze]:
        return self.collection(FREEZES)

    async def newest_definitions(self) -> list[WorkflowDefinition]:
        """Of every workflow."""
        found: list[WorkflowDefinition] = []
        cursor: str | None = None
        while True:
            page = await self.workflows.find(order_by="name", limit=200, cursor=cursor)
            for each in page.items:
                found.append((await self.revisions.require(revision_id(each.name, each.revision))).definition)
            if (cursor := page.next) is None:
                return found

    def enqueue_training(self, run_id: str, *, chain: Chain | None = None) -> None:
        """A worker begins it as soon as a slot is free. chain: that asked for it, if not the present one."""
        self.enqueue(TRAIN, job_id=run_id, payload={"run_id": run_id}, chain=chain)

    def await_tick(self, workflow: Workflow) -> None:
        """Set the timer of a workflow that has a next tick."""
        if workflow.next_tick is not None:
            payload = {"workflow": workflow.name, "revision": workflow.revision}
            self.enqueue(TICK, job_id=_timer_id(workflow), payload=payload, due=workflow.next_tick)

    def forget_tick(self, workflow: Workflow) -> None:
        """Stop the timer of a revision that is no longer the newest."""
        if workflow.next_tick is not None:
            self.cancel(_timer_id(workflow))

    async def line_of(self, workflow: str) -> Line:
        """The line of a workflow: an empty one before its first training."""
        return await self.lines.get(workflow) or Line(workflow=workflow)


def _timer_id(workflow: Workflow) -> str:
    return f"{TICK}/{workflow.name}@{workflow.revision}/{workflow.next_tick}"
