"""Reads how a version is judged: registration, validation, review, promotion."""

from murmur_console.domain.facts import Tone, Work, WorkKind
from murmur_console.reading.reading import Reading, read
from murmur_events.models import (
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelRejected,
    PromotionDeferred,
    ReviewDecided,
    ReviewRequested,
)
from murmur_events.validation import ValidationCompleted, ValidationRequested


@read.register
def _(event: ModelRegistered) -> Reading:
    return Reading(
        label=f"v{event.version}",
        headline=f"{event.model} v{event.version} is a candidate",
        workflow=event.state.workflow,
        model=event.model,
        version=event.version,
        run=event.state.run_id,
        opens=(Work(WorkKind.VALIDATION, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: ValidationRequested) -> Reading:
    against = f"v{event.baseline.version}" if event.baseline else "no baseline"
    return Reading(
        label=f"again, against {against}",
        headline=f"{event.model} v{event.version} is to be judged again, against {against}",
        workflow=event.candidate.workflow,
        model=event.model,
        version=event.version,
        opens=(Work(WorkKind.VALIDATION, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: ValidationCompleted) -> Reading:
    verdict = event.verdict.replace("_", " ")
    return Reading(
        label=verdict,
        headline=f"{event.model} v{event.version}: {event.summary}",
        tone=Tone.CAUTION if event.verdict in ("not_better", "failed") else Tone.PLAIN,
        model=event.model,
        version=event.version,
        closes=(Work(WorkKind.VALIDATION, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: PromotionDeferred) -> Reading:
    return Reading(
        label="held",
        headline=f"{event.model} v{event.version} waits with its verdict: promotion is frozen by {event.by}"
        f" ({event.reason})",
        tone=Tone.CAUTION,
        workflow=event.workflow,
        model=event.model,
        version=event.version,
    )


@read.register
def _(event: ReviewRequested) -> Reading:
    return Reading(
        label="review asked for",
        headline=f"a person must decide about {event.model} v{event.version}: {event.summary}",
        model=event.model,
        version=event.version,
        opens=(Work(WorkKind.REVIEW, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: ReviewDecided) -> Reading:
    return Reading(
        label=f"{event.decision} by {event.by}",
        headline=f"{event.model} v{event.version} {event.decision} by {event.by}: {event.reason}",
        tone=Tone.CAUTION if event.decision == "refused" else Tone.PLAIN,
        model=event.model,
        version=event.version,
        closes=(Work(WorkKind.REVIEW, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: ModelPromoted) -> Reading:
    left = f", in place of v{event.replaces}" if event.replaces else ""
    is_rollout = event.alias == "production"
    return Reading(
        label=f"v{event.version} → {event.alias}",
        headline=f"{event.model} v{event.version} is {event.alias}{left}",
        workflow=event.state.workflow,
        model=event.model,
        version=event.version,
        opens=(Work(WorkKind.ROLLOUT, f"{event.model}/{event.version}"),) if is_rollout else (),
    )


@read.register
def _(event: ModelRejected) -> Reading:
    return Reading(
        label=f"v{event.version} rejected",
        headline=f"{event.model} v{event.version} rejected by {event.by}: {event.reason}",
        tone=Tone.CAUTION,
        model=event.model,
        version=event.version,
        closes=(Work(WorkKind.REVIEW, f"{event.model}/{event.version}"),),
    )


@read.register
def _(event: ModelArchived) -> Reading:
    return Reading(
        label=f"v{event.version} archived",
        headline=f"{event.model} v{event.version} gave {event.was} up to v{event.replaced_by}",
        model=event.model,
        version=event.version,
    )
