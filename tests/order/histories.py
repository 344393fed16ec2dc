"""The golden story as each service hears it, and every other order in which the broker may hand it over."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from listeners import heard_by, table_of

from contracts.examples import golden
from murmur_events import Envelope, from_record, to_record
from murmur_events.runs import RunCompleted, RunLogged, RunStarted
from murmur_kernel.store import RawRecord

REVIEW = "review.decided"
"""What a person told the registry by REST: it has its place in the story as an event has."""


@dataclass(frozen=True)
class Step:
    """One thing that reaches a service: an event, or the call behind one that it published itself."""

    envelope: Envelope

    @property
    def lane(self) -> tuple[str, str]:
        return self.envelope.topic, self.envelope.key

    @property
    def name(self) -> str:
        return f"{self.envelope.topic} {self.envelope.key} {self.envelope.id[:8]}"

    @property
    def record(self) -> RawRecord:
        wire = to_record(self.envelope)
        return RawRecord(
            topic=wire.topic, partition=0, offset=0, key=wire.key.decode(), value=wire.value, headers=wire.headers
        )


@cache
def story() -> tuple[Envelope, ...]:
    told = [from_record(example.topic, example.wire_value, example.wire_headers) for example in golden()]
    told += second_attempt(told)
    return tuple(sorted(told, key=lambda envelope: (envelope.time, envelope.sequence)))


def second_attempt(told: Sequence[Envelope]) -> list[Envelope]:
    """A run of two workers: the first was slow, not dead, and what it says may come after what the second says."""
    found: list[Envelope] = []
    for envelope in told:
        if envelope.key == "r-7f3ab1c09e54" and isinstance(envelope.event, RunStarted | RunLogged | RunCompleted):
            for attempt in (1, 2):
                update = {"run_id": "r-two-attempts", "attempt": attempt, "model": None}
                event = envelope.event.model_validate(envelope.event.model_dump() | update)
                found.append(
                    replace(
                        envelope,
                        id=f"{envelope.topic}-{attempt}",
                        key="r-two-attempts",
                        sequence=envelope.sequence + 3 * attempt,
                        correlation_id="two attempts",
                        event=event,
                    )
                )
    return found


@cache
def ancestry() -> dict[str, tuple[Envelope, ...]]:
    """Each event's causes, the nearest first."""
    by_id = {envelope.id: envelope for envelope in story()}

    def causes(envelope: Envelope) -> Iterator[Envelope]:
        while (cause := by_id.get(envelope.causation_id or "")) is not None:
            yield cause
            envelope = cause

    return {envelope.id: tuple(causes(envelope)) for envelope in story()}


def history_of(service: str) -> list[Step]:
    """What reaches the service in the golden story, in the ordinary order.

    What it said itself and kept as it said it is none of that: no broker can come in between.
    """
    return list(_history(service))


@cache
def _history(service: str) -> list[Step]:
    heard = heard_by(service) & {subscription.topic for subscription in table_of(service)}
    calls = {REVIEW} if service == "registry" else set()
    kept = {subscription.topic for subscription in table_of(service) if subscription.relearns}
    steps = [
        Step(envelope)
        for envelope in story()
        if envelope.topic in heard | calls and not (envelope.topic in kept and envelope.source == service)
    ]
    return sorted(steps, key=lambda step: handled_at(service, step.envelope))


def handled_at(service: str, envelope: Envelope) -> datetime:
    """When the service says what it made of it, which tells two events apart that came at the same time."""
    answers = [one.time for one in story() if one.source == service and one.causation_id == envelope.id]
    return min(answers, default=envelope.time) if envelope.topic != REVIEW else envelope.time


def follows(service: str, later: Step, earlier: Step) -> bool:
    """Whether `later` exists only because the service has handled `earlier`: then no broker can swap them."""
    between = [later.envelope]
    for cause in ancestry()[later.envelope.id]:
        if cause.id == earlier.envelope.id:
            return any(envelope.source == service for envelope in between)
        between.append(cause)
    return False


def concern_the_same(service: str, one: Step, other: Step) -> bool:
    """Events of one chain, freezes, and the definition of a workflow with the chains just before and after it.

    Two chains are two wishes: which of them is served first is decided by the order of their arrival, rightly.
    """
    if one.envelope.topic.startswith("automation.") and other.envelope.topic.startswith("automation."):
        return True
    for applied, step in ((one, other), (other, one)):
        if applied.envelope.topic == "workflow.applied":
            return step.envelope.correlation_id in neighbours(service)[applied.envelope.id]
    return one.envelope.correlation_id == other.envelope.correlation_id


@cache
def neighbours(service: str) -> dict[str, set[str]]:
    """The chains that come next to each definition of a workflow."""
    steps = history_of(service)
    found: dict[str, set[str]] = {}
    for place, step in enumerate(steps):
        if step.envelope.topic == "workflow.applied":
            before = [other.envelope.correlation_id for other in steps[:place]][-1:]
            after = [other.envelope.correlation_id for other in steps[place + 1 :]][:1]
            found[step.envelope.id] = {*before, *after}
    return found


def may_swap(service: str, earlier: Step, later: Step) -> bool:
    return (
        earlier.lane != later.lane
        and concern_the_same(service, earlier, later)
        and not follows(service, later, earlier)
    )


@dataclass(frozen=True)
class Swap:
    """Two steps that may arrive in the other order, side by side in each of two histories that differ in that alone.

    Where other chains stand between them in the story, both histories have those after them: which chain is served
    first is not what is asked here.
    """

    earlier: Step
    later: Step
    usual: tuple[Step, ...]
    other: tuple[Step, ...]


def swaps(service: str) -> list[Swap]:
    """Every pair, each with what has to come before its second half moved along."""
    steps = history_of(service)
    return [
        swap
        for index, earlier in enumerate(steps)
        for later in steps[index + 1 :]
        if may_swap(service, earlier, later) and (swap := _swap(service, steps, earlier, later)) is not None
    ]


def _swap(service: str, steps: list[Step], earlier: Step, later: Step) -> Swap | None:
    """None where something that must follow `earlier` must come before `later`: then no broker can swap the two."""
    first, last = steps.index(earlier), steps.index(later)
    along = [later]
    for step in reversed(steps[first + 1 : last]):
        if any(step.lane == one.lane or follows(service, one, step) for one in along):
            if step.lane == earlier.lane or follows(service, step, earlier):
                return None
            along.insert(0, step)
    before = steps[:first]
    rest = [step for step in steps[first + 1 :] if step not in along]
    return Swap(earlier, later, (*before, earlier, *along, *rest), (*before, *along, earlier, *rest))


def shuffled(service: str, seed: int, *, swaps: int = 400) -> list[Step]:
    """An order reached by many swaps of neighbours, each of which is allowed: keys keep their order."""
    draw, steps = random.Random(seed), history_of(service)
    for _ in range(swaps if len(steps) > 1 else 0):
        place = draw.randrange(len(steps) - 1)
        if may_swap(service, steps[place], steps[place + 1]):
            steps[place], steps[place + 1] = steps[place + 1], steps[place]
    return steps
