"""What a unit of work says goes to the webhooks that want it: as messages that are committed with it."""

import json
from collections.abc import Iterable
from datetime import datetime

from murmur_events import Envelope
from murmur_kernel.unit_of_work import UnitOfWork
from murmur_mlflow.workspaces import DEFAULT
from murmur_registry.domain.webhooks import EVERYTHING, Delivery
from murmur_registry.webhooks.documents import DELIVERIES, WISHES

DELIVER = "webhook-delivery"


async def announce(unit: UnitOfWork, envelopes: Iterable[Envelope]) -> None:
    """Called before the commit, with all that it says. A webhook that is made meanwhile hears of what follows."""
    said = [one for one in envelopes if not one.topic.startswith("registry.")]
    if not said or (kept := await unit.collection(WISHES).get("all")) is None:
        return
    for envelope in said:
        workspace = getattr(envelope.event, "workspace", DEFAULT)
        for wish in kept.wishes:
            if wish.workspace in (None, workspace) and (EVERYTHING in wish.topics or envelope.topic in wish.topics):
                queue(unit, _message(wish.webhook, envelope))


def queue(unit: UnitOfWork, delivery: Delivery) -> None:
    """To be tried at its time, or now."""
    unit.collection(DELIVERIES).save(delivery)
    tries = len(delivery.tries)
    sent = delivery.tries[-1].at.isoformat() if tries else "first"
    unit.enqueue(
        DELIVER,
        job_id=f"{DELIVER}/{delivery.id}/{delivery.round}/{sent}",
        payload={"delivery": delivery.id, "round": delivery.round},
        due=delivery.next_at,
    )


def _message(webhook: str, envelope: Envelope) -> Delivery:
    return Delivery(
        id=f"{webhook}/{envelope.id}",
        webhook=webhook,
        message=envelope.id,
        topic=envelope.topic,
        body=body_of(envelope.topic, envelope.time, envelope.event.model_dump(mode="json")),
        created_at=envelope.time,
    )


def body_of(topic: str, at: datetime, data: object) -> str:
    return json.dumps({"type": topic, "timestamp": at.isoformat(), "data": data}, separators=(",", ":"))
