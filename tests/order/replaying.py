"""Services in memory, told a history, and what they then have and have said."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from histories import REVIEW, Step, follows, history_of
from listeners import table_of

from murmur_deployer.repository import KINDS as DEPLOYER_KINDS
from murmur_deployer.repository import DeployerUnitOfWork
from murmur_events.models import ReviewDecided
from murmur_kernel.consuming import Subscriptions
from murmur_kernel.documents import Kind, Query
from murmur_kernel.testing import Harness
from murmur_kernel.troubles import TROUBLES
from murmur_monitor.consumers import subscriptions as monitor_subscriptions
from murmur_monitor.handlers import Workflows
from murmur_monitor.repository import KINDS as MONITOR_KINDS
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_registry.consumers import subscriptions as registry_subscriptions
from murmur_registry.domain.reviews import Decision
from murmur_registry.handlers import Handlers
from murmur_registry.repository import KINDS as REGISTRY_KINDS
from murmur_registry.repository import RegistryUnitOfWork
from murmur_registry.reviews import DecideReview, Reviews
from murmur_tracking.repository import KINDS as TRACKING_KINDS
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.search import INDEX
from murmur_trainer.repository import KINDS as TRAINER_KINDS
from murmur_trainer.repository import TrainerUnitOfWork
from murmur_validator.repository import KINDS as VALIDATOR_KINDS
from murmur_validator.repository import ValidatorUnitOfWork

HANDLERS = Handlers(verdict_due=timedelta(minutes=15))

MADE: dict[str, Subscriptions[Any]] = {
    "registry": registry_subscriptions(HANDLERS),
    "monitor": monitor_subscriptions(Workflows(clock_skew=timedelta(minutes=5))),
}

UNITS: dict[str, tuple[Any, Sequence[Kind[Any]]]] = {
    "tracking": (TrackingUnitOfWork, TRACKING_KINDS),
    "registry": (RegistryUnitOfWork, REGISTRY_KINDS),
    "trainer": (TrainerUnitOfWork, TRAINER_KINDS),
    "validator": (ValidatorUnitOfWork, VALIDATOR_KINDS),
    "deployer": (DeployerUnitOfWork, DEPLOYER_KINDS),
    "monitor": (MonitorUnitOfWork, MONITOR_KINDS),
}
"""How each service with a table of subscriptions is put together; a new service is added here."""


@dataclass(frozen=True)
class Ending:
    """All documents by kind and id, what was said (without how it was caused), and what is still to be done.

    unborn: steps that never came to be, for what they follow from was never handled
    """

    unborn: tuple[str, ...]
    documents: dict[str, Any]
    published: Counter[str]
    jobs: frozenset[tuple[str, str, str]]
    parked: int
    dead_letters: tuple[str, ...]


async def ending_of(service: str, steps: Sequence[Step], *, twice: bool = False, table: Any = None) -> Ending:
    """Tell a service of these steps, each event twice if asked; the clock stands still.

    What exists only because the service has handled an earlier event is held back until it has: that may be parked.
    """
    unit, kinds = UNITS[service]
    subscriptions: Subscriptions[Any] = table if table is not None else table_for(service)
    index = INDEX if service == "tracking" else None
    async with Harness(unit, kinds=kinds, subscriptions=subscriptions, service=service, index=index) as harness:
        harness.store.on_commit = lambda change: None
        held: list[Step] = []
        for step in [*steps, None]:
            held += [step] if step else []
            for waiting in list(held):
                if await _exists(harness, service, waiting, held):
                    held.remove(waiting)
                    for _ in range(2 if twice else 1):
                        await _take(harness, waiting)
        return await _ending(harness, [*kinds, TROUBLES], tuple(step.name for step in held))


async def _exists(harness: Harness[Any], service: str, step: Step, held: Sequence[Step]) -> bool:
    """Whether all that it follows from is handled, and nothing of its key is still held back before it."""
    if any(other.lane == step.lane for other in held[: held.index(step)]):
        return False
    before = [other for other in history_of(service) if follows(service, step, other)]
    return all([await harness.store.handled(_mark(other)) for other in before])


def _mark(step: Step) -> str:
    return f"call/{step.envelope.id}" if step.envelope.topic == REVIEW else step.envelope.id


def table_for(service: str) -> Subscriptions[Any]:
    """With handlers, where a table is made of them."""
    return MADE.get(service) or table_of(service)


async def _take(harness: Harness[Any], step: Step) -> None:
    event = step.envelope.event
    if step.envelope.topic != REVIEW:
        await harness.receives_in_turn(step.record)
        return
    assert isinstance(event, ReviewDecided)
    command = DecideReview(event.model, event.version, Decision(event.decision), event.by, event.reason)
    await harness.change(Reviews(HANDLERS).decide, command, key=step.envelope.id)


async def _ending(harness: Harness[Any], kinds: Sequence[Kind[Any]], unborn: tuple[str, ...]) -> Ending:
    documents: dict[str, Any] = {}
    for kind in kinds:
        page = await harness.store.find(kind.name, Query(limit=10_000))
        documents |= {f"{kind.name}/{document.id}": json.loads(document.body) for document in page.items}
    said = Counter(
        f"{envelope.topic} {envelope.key} {envelope.event.model_dump_json()}" for envelope in harness.envelopes
    )
    return Ending(
        unborn=unborn,
        documents=documents,
        published=said,
        jobs=frozenset((job.id, job.kind, job.payload) for job in await harness.store.jobs()),
        parked=await harness.store.count_parked(),
        dead_letters=tuple(
            f"{letter.record.topic} {letter.id}: {letter.reason}" for letter in await harness.store.dead_letters()
        ),
    )
