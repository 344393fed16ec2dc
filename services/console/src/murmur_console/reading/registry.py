"""Reads what people and clients do to models by hand: no workflow is in it."""

from murmur_console.reading.reading import Reading, read
from murmur_events.registry import AliasMoved, ModelChanged, RollbackRequested, VersionChanged


@read.register
def _(event: ModelChanged) -> Reading:
    return Reading(
        label="deleted" if event.deleted else "changed",
        headline=f"{event.model} was {'deleted' if event.deleted else 'changed'} by {event.by}: {event.reason}",
        model=event.model,
    )


@read.register
def _(event: VersionChanged) -> Reading:
    what = "was deleted" if event.deleted else f"is in stage {event.stage}"
    return Reading(
        label=f"v{event.version} {'deleted' if event.deleted else event.stage}",
        headline=f"{event.model} v{event.version} {what}, by {event.by}: {event.reason}",
        model=event.model,
        version=event.version,
    )


@read.register
def _(event: AliasMoved) -> Reading:
    names = f"v{event.version}" if event.version else "no version"
    return Reading(
        label=f"{event.alias}: {names}",
        headline=f"{event.model}: {event.alias} names {names} now, by {event.by}: {event.reason}",
        model=event.model,
        version=event.version,
    )


@read.register
def _(event: RollbackRequested) -> Reading:
    to = f"v{event.to}" if event.to else "what served before"
    return Reading(
        label=f"back to {to}",
        headline=f"{event.model} v{event.version} shall go back to {to}, by {event.by}: {event.reason}",
        model=event.model,
        version=event.version,
    )
