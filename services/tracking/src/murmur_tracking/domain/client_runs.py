"""The run of a client, folded from what it tells: one writer, in order, so that the last word on each thing stands."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from murmur_tracking.domain.facts import Begun, DatasetInput, Noted
from murmur_tracking.domain.runs import Failure, Result, Run, RunStatus, Sheet, Work, newest

RUN_NAME = "mlflow.runName"

ClientStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
"""A run's state in the words of MLflow."""


def begin(fact: Begun) -> Run:
    filed = fact.registration
    sheet = Sheet(
        experiment=filed.experiment,
        workspace=filed.workspace,
        name=filed.name,
        artifact_uri=filed.artifact_uri,
        user=filed.user,
        tags=filed.tags,
        chain=fact.chain,
    )
    return Run(run_id=fact.run_id, started_at=fact.started_at, sheet=sheet, work=Work(attempt=fact.attempt))


def resume(run: Run, attempt: int) -> Run:
    """It goes on in this attempt; what it said before stays."""
    work = run.work or Work(attempt=attempt)
    return replace(run, work=replace(work, attempt=max(work.attempt, attempt)))


def note(run: Run, fact: Noted) -> Run:
    """The run, knowing this too; the points themselves are kept beside it."""
    assert run.sheet is not None, "only clients note"
    sheet, work = run.sheet, run.work or Work(attempt=1)
    tags = {**sheet.tags, **fact.tags}
    for name in fact.removed_tags:
        tags.pop(name, None)
    name = tags.get(RUN_NAME, sheet.name) if fact.name is None else fact.name
    return replace(
        run,
        work=replace(work, latest=newest(work.latest, fact.points)) if len(fact.points) else work,
        sheet=replace(
            sheet,
            name=name,
            tags=tags,
            parameters={**sheet.parameters, **fact.parameters},
            deleted=sheet.deleted if fact.deleted is None else fact.deleted,
            scheduled=sheet.scheduled if fact.scheduled is None else fact.scheduled,
            datasets=_joined(sheet.datasets, fact.datasets),
            models_read=(*sheet.models_read, *(link for link in fact.models_read if link not in sheet.models_read)),
            models_written=(*sheet.models_written, *fact.models_written),
        ),
    )


def counted(run: Run, batches: int) -> Run:
    """The run, whose points are in so many documents."""
    assert run.sheet is not None, "only clients note"
    return replace(run, sheet=replace(run.sheet, batches=batches))


def end(run: Run, how: Result | Failure) -> Run:
    """Ended, unless it was resumed meanwhile; the last end counts."""
    if run.end is not None and run.end.attempt > how.attempt:
        return run
    return replace(run, end=how)


def status_of(run: Run) -> ClientStatus:
    match run.status, run.end:
        case RunStatus.COMPLETED, _:
            return "FINISHED"
        case RunStatus.FAILED, Failure(cause="killed"):
            return "KILLED"
        case RunStatus.FAILED, _:
            return "FAILED"
        case _:
            return "SCHEDULED" if run.sheet and run.sheet.scheduled else "RUNNING"


def changed_parameters(run: Run, parameters: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Name, known and new value of those that would change: a parameter is said once."""
    known = run.parameters
    return [(name, str(known[name]), value) for name, value in parameters.items() if known.get(name, value) != value]


def _joined(known: tuple[DatasetInput, ...], more: tuple[DatasetInput, ...]) -> tuple[DatasetInput, ...]:
    """A data set stands once, as it was first described."""
    there = {(one.name, one.digest): one for one in known}
    for one in more:
        there.setdefault((one.name, one.digest), one)
    return tuple(there.values())
