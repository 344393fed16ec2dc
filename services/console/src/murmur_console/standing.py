"""Folds events into what stands now: the newest event about a thing wins."""

from dataclasses import replace
from functools import singledispatch

from murmur_console import deploying
from murmur_console.domain.estate import Alert, Estate, Freeze, ServingTerms, Status, Version, Workflow
from murmur_events import Envelope, Event
from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.models import (
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelRejected,
    PromotionDeferred,
    ReviewDecided,
)
from murmur_events.monitoring import AlertRaised, AlertResolved
from murmur_events.validation import ValidationCompleted
from murmur_events.workflows import WorkflowApplied, WorkflowDefinition

_RANK = {status: rank for rank, status in enumerate(Status)}
"""For two changes of the same instant: the later stage of life is the later change."""


def fold(estate: Estate, envelope: Envelope) -> None:
    """Different topics arrive in any order, so the time of an event decides what is newest."""
    _fold(envelope.event, estate, envelope)
    deploying.fold(estate, envelope)


@singledispatch
def _fold(event: Event, estate: Estate, envelope: Envelope) -> None:
    """Most events change nothing here."""


@_fold.register
def _(event: WorkflowApplied, estate: Estate, envelope: Envelope) -> None:
    known = estate.workflows.get(event.workflow)
    if known is None or known.revision < event.revision:
        estate.workflows[event.workflow] = Workflow(
            name=event.workflow,
            revision=event.revision,
            description=event.definition.description,
            schedule=event.definition.schedule,
            applied=envelope.time,
            serving=_terms(event.definition),
        )


def _terms(definition: WorkflowDefinition) -> ServingTerms:
    deployment = definition.deployment
    return ServingTerms(
        replicas=deployment.replicas,
        most_replicas=deployment.max_replicas,
        min_rows=deployment.canary.min_rows,
        step_seconds=deployment.canary.step_time.total_seconds(),
        shadow_seconds=deployment.shadow.total_seconds() if deployment.shadow else None,
        deadline_seconds=deployment.canary.deadline.total_seconds(),
        metric=definition.monitoring.quality.metric,
    )


@_fold.register
def _(event: ModelRegistered, estate: Estate, envelope: Envelope) -> None:
    known = estate.versions.get((event.model, event.version))
    estate.versions[event.model, event.version] = Version(
        model=event.model,
        number=event.version,
        workflow=event.state.workflow,
        run=event.state.run_id,
        status=known.status if known else Status.CANDIDATE,
        metrics=event.state.metrics,
        registered=envelope.time,
        chain=envelope.correlation_id,
        why=known.why if known else "",
        status_since=known.status_since if known else envelope.time,
    )


@_fold.register
def _(event: ValidationCompleted, estate: Estate, envelope: Envelope) -> None:
    _advance(estate, envelope, event.model, event.version, Status.JUDGED, event.summary)


@_fold.register
def _(event: ModelPromoted, estate: Estate, envelope: Envelope) -> None:
    _advance(estate, envelope, event.model, event.version, Status(event.alias), None)


@_fold.register
def _(event: PromotionDeferred, estate: Estate, envelope: Envelope) -> None:
    why = f"held with its verdict ({event.verdict}): promotion is frozen by {event.by}"
    _advance(estate, envelope, event.model, event.version, None, why)


@_fold.register
def _(event: AutomationFrozen, estate: Estate, envelope: Envelope) -> None:
    _change_freeze(estate, event, envelope, active=True)


@_fold.register
def _(event: AutomationUnfrozen, estate: Estate, envelope: Envelope) -> None:
    _change_freeze(estate, event, envelope, active=False)


@_fold.register
def _(event: AlertRaised, estate: Estate, envelope: Envelope) -> None:
    known = estate.alerts.get(event.alert)
    if known is None or known.at <= envelope.time:
        estate.alerts[event.alert] = Alert(
            id=event.alert,
            about=event.about,
            service=event.service,
            severity=event.severity,
            title=event.title,
            detail=event.detail,
            at=envelope.time,
            chain=envelope.correlation_id,
        )


@_fold.register
def _(event: AlertResolved, estate: Estate, envelope: Envelope) -> None:
    """Heard before its beginning, it is kept too, so that an alert that is over is not shown as raised."""
    known = estate.alerts.get(event.alert)
    if known is not None and known.at > envelope.time:
        return
    known = known or Alert(
        id=event.alert,
        about=event.about,
        service=envelope.source,
        severity="warning",
        title=event.detail,
        detail=event.detail,
        at=envelope.time,
        chain=envelope.correlation_id,
    )
    estate.alerts[event.alert] = replace(known, raised=False, at=envelope.time)


@_fold.register
def _(event: ReviewDecided, estate: Estate, envelope: Envelope) -> None:
    _advance(estate, envelope, event.model, event.version, None, f"{event.decision} by {event.by}: {event.reason}")


@_fold.register
def _(event: ModelRejected, estate: Estate, envelope: Envelope) -> None:
    _advance(estate, envelope, event.model, event.version, Status.REJECTED, event.reason)


@_fold.register
def _(event: ModelArchived, estate: Estate, envelope: Envelope) -> None:
    _advance(estate, envelope, event.model, event.version, Status.ARCHIVED, None)


def _advance(
    estate: Estate, envelope: Envelope, model: str, number: int, status: Status | None, why: str | None
) -> None:
    known = estate.versions.get((model, number))
    if known is None:  # its registration is still to be read
        known = Version(
            model=model,
            number=number,
            workflow=model,
            run="",
            status=Status.CANDIDATE,
            status_since=envelope.time,
            metrics={},
            registered=envelope.time,
            chain=envelope.correlation_id,
        )
    if why is not None:
        known = replace(known, why=why)
    if status is not None and (envelope.time, _RANK[status]) >= (known.status_since, _RANK[known.status]):
        known = replace(known, status=status, status_since=envelope.time)
    estate.versions[model, number] = known


def _change_freeze(
    estate: Estate, event: AutomationFrozen | AutomationUnfrozen, envelope: Envelope, *, active: bool
) -> None:
    known = estate.freezes.get(event.scope)
    if known is None or known.revision < event.revision:
        estate.freezes_revision += 1
        estate.freezes[event.scope] = Freeze(
            scope=event.scope,
            what=event.what,
            workflow=event.workflow,
            active=active,
            revision=event.revision,
            by=event.by,
            reason=event.reason,
            at=envelope.time,
        )
