"""One run of the trainer, folded from its facts so that every order of arrival ends the same; and what a run is.

Each part of a run is the one that the highest attempt told, and within an attempt every merge is a maximum: such a fold
is commutative, associative and idempotent, so that no order is better than another. It must be, for topics are ordered
only within themselves: run.completed does arrive before run.started. Runs of clients are folded in `client_runs`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from murmur_tracking.domain.facts import (
    Claim,
    Completed,
    Dataset,
    DatasetInput,
    Failed,
    Logged,
    ModelLink,
    Points,
    Provenance,
    Reproduction,
    Scalar,
    Started,
    Told,
    TrainedModel,
    Trigger,
)

Last = tuple[int, int, float]
"""The newest value of a metric: step, time in ms since 1970, value. The greatest of them is the newest."""


class RunStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Instructions:
    """What the run was told to do."""

    as_of: datetime
    parameters: Mapping[str, Scalar]
    provenance: Provenance


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the newest attempt that did anything was told, and has said so far.

    instructions: None until the start of this attempt is known, and for the run of a client
    """

    attempt: int
    instructions: Instructions | None = None
    latest: Mapping[str, Last] = field(default_factory=dict)
    progress: float | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """metrics, dataset, log: None for the run of a client, which has only what it logged."""

    attempt: int
    ended_at: datetime
    metrics: Mapping[str, float] | None = None
    dataset: Dataset | None = None
    model: TrainedModel | None = None
    log: Claim | None = None
    reproduction: Reproduction | None = None


@dataclass(frozen=True, kw_only=True)
class Failure:
    attempt: int
    ended_at: datetime
    cause: str
    message: str
    log: Claim | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a client has told of its run beside metrics.

    batches: how many documents hold its points
    chain:   correlation and id of the event that began it, in whose chain all further ones stand
    """

    experiment: str
    workspace: str
    name: str
    artifact_uri: str
    user: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False
    scheduled: bool = False
    datasets: tuple[DatasetInput, ...] = ()
    models_read: tuple[ModelLink, ...] = ()
    models_written: tuple[ModelLink, ...] = ()
    batches: int = 0
    chain: tuple[str, str] = ("", "")


@dataclass(frozen=True, kw_only=True)
class Run:
    """started_at: when the first attempt began. A run has a sheet, or else a workflow, a revision and a trigger."""

    __pydantic_config__ = {"ser_json_inf_nan": "strings"}  # noqa: RUF012  # a run that diverges logs NaN: keep it as such

    run_id: str
    started_at: datetime
    workflow: str | None = None
    revision: int | None = None
    trigger: Trigger | None = None
    sheet: Sheet | None = None
    work: Work | None = None
    end: Result | Failure | None = None

    @property
    def attempt(self) -> int:
        """The highest that is known."""
        return max(self.work.attempt if self.work else 0, self.end.attempt if self.end else 0)

    @property
    def status(self) -> RunStatus:
        """An end counts unless a later attempt has begun."""
        match self.end:
            case Result(attempt=attempt) if attempt == self.attempt:
                return RunStatus.COMPLETED
            case Failure(attempt=attempt) if attempt == self.attempt:
                return RunStatus.FAILED
            case _:
                return RunStatus.RUNNING

    @property
    def ended_at(self) -> datetime | None:
        return self.end.ended_at if self.end and self.status is not RunStatus.RUNNING else None

    @property
    def trigger_kind(self) -> str | None:
        return self.trigger.kind if self.trigger else None

    @property
    def latest(self) -> Mapping[str, Last]:
        """The newest logged value of each metric."""
        return self.work.latest if self.work else {}

    @property
    def metrics(self) -> Mapping[str, float]:
        """The last value of each metric: the final ones, or while there are none the last logged."""
        if isinstance(self.end, Result) and self.end.metrics is not None and self.status is RunStatus.COMPLETED:
            return self.end.metrics
        return {name: last[2] for name, last in self.latest.items()}

    @property
    def parameters(self) -> Mapping[str, Scalar]:
        if self.sheet:
            return self.sheet.parameters
        return self.work.instructions.parameters if self.work and self.work.instructions else {}

    @property
    def progress(self) -> float | None:
        if self.status is RunStatus.COMPLETED:
            return 1.0
        return self.work.progress if self.work else None


def fold(run: Run | None, fact: Started | Completed | Failed) -> Run:
    """The run, knowing this too. What a lower attempt says changes nothing that a higher one has said."""
    run = run or _known(fact)
    run = replace(run, started_at=min(run.started_at, fact.started_at))
    if isinstance(fact, Started):  # a completion repeats what the start said
        run = replace(run, work=_instructed(run.work, fact))
    match fact:
        case Completed():
            return replace(run, end=_later(run.end, _result_of(fact)))
        case Failed():
            return replace(run, end=_later(run.end, _failure_of(fact)))
        case _:
            return run


def log(run: Run, fact: Logged) -> Run:
    """The run with the last values of what was logged; the batch itself is kept beside the run."""
    if is_stale(run, fact):
        return run
    work = run.work if run.work and run.work.attempt == fact.attempt else Work(attempt=fact.attempt)
    reached = [progress for progress in (work.progress, fact.progress) if progress is not None]
    latest = newest(work.latest, fact.points)
    return replace(run, work=replace(work, latest=latest, progress=max(reached, default=None)))


def newest(latest: Mapping[str, Last], points: Points) -> Mapping[str, Last]:
    """The newest value of each metric, knowing these too."""
    known = dict(latest)
    for name, step, time, value in points.each():
        before = known.get(name)
        if before is None or is_newer((step, time, value), before):
            known[name] = (step, time, value)
    return known


def is_newer(one: Last, other: Last) -> bool:
    return (one[0], one[1], _number(one[2])) > (other[0], other[1], _number(other[2]))


def _number(value: float) -> float:
    """What is no number counts as 0 among the values of one step and time."""
    return 0.0 if math.isnan(value) else value


def is_stale(run: Run, fact: Logged) -> bool:
    """A later attempt is at work: nobody wants to know what this one said."""
    return run.work is not None and fact.attempt < run.work.attempt


def _known(fact: Told) -> Run:
    return Run(
        run_id=fact.run_id,
        workflow=fact.workflow,
        revision=fact.revision,
        trigger=fact.trigger,
        started_at=fact.started_at,
    )


def _instructed(work: Work | None, fact: Started) -> Work:
    if work is not None and work.attempt > fact.attempt:
        return work
    current = work if work and work.attempt == fact.attempt else Work(attempt=fact.attempt)
    instructions = Instructions(as_of=fact.as_of, parameters=fact.parameters, provenance=fact.provenance)
    return replace(current, instructions=instructions)


def _later(one: Result | Failure | None, other: Result | Failure) -> Result | Failure:
    """The end that counts. A run has one; should an attempt have two, the result stands in every order."""
    return other if one is None else max(one, other, key=lambda end: (end.attempt, isinstance(end, Result)))


def _result_of(fact: Completed) -> Result:
    return Result(
        attempt=fact.attempt,
        ended_at=fact.ended_at,
        metrics=fact.metrics,
        dataset=fact.dataset,
        model=fact.model,
        log=fact.log,
        reproduction=fact.reproduction,
    )


def _failure_of(fact: Failed) -> Failure:
    return Failure(attempt=fact.attempt, ended_at=fact.ended_at, cause=fact.cause, message=fact.message, log=fact.log)
