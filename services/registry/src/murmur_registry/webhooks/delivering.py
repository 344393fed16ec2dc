"""Messages on their way: each try is a job of its own, and what became of it is recorded with what follows from it."""

from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from murmur_kernel import troubles
from murmur_kernel.jobs import Job
from murmur_registry.domain.webhooks import Delivery, DeliveryState, Try, Webhook
from murmur_registry.repository import RegistryUnitOfWork
from murmur_registry.webhooks.announcing import queue
from murmur_registry.webhooks.documents import Wish, Wishes
from murmur_registry.webhooks.sending import Sender

log = structlog.get_logger()


@dataclass(frozen=True)
class Delivering:
    """patience: how long a webhook may fail before nothing is sent to it any more."""

    sender: Sender
    patience: timedelta

    async def deliver(self, job: Job[RegistryUnitOfWork]) -> None:
        """One try. Killed after the request and before its record it is made again, under the same `webhook-id`."""
        async with job.unit_of_work() as uow:
            delivery = await uow.deliveries.require(job.payload["delivery"])
            webhook = await uow.webhooks.require(delivery.webhook)
            now = uow.now
        if not _still_due(delivery, job):
            return
        tried = await self.sender.send(webhook, delivery, now) if webhook.active else None
        async with job.unit_of_work(completes=True) as uow:
            webhook = await uow.webhooks.require(delivery.webhook)
            delivery = await uow.deliveries.require(delivery.id)
            if not _still_due(delivery, job):
                return
            if tried is None:
                uow.deliveries.save(delivery.given_up())
            else:
                await self.record(webhook, delivery, tried, uow)

    async def record(self, webhook: Webhook, delivery: Delivery, tried: Try, uow: RegistryUnitOfWork) -> None:
        log.info("webhook tried", webhook=webhook.id, topic=delivery.topic, outcome=tried.outcome)
        after = webhook.after(tried, patience=self.patience)
        if after != webhook:
            uow.webhooks.save(after)
        if webhook.active and not after.active:
            await wish(after, uow)
            await _tell(after, uow)
        delivery = delivery.tried(tried)
        if delivery.state is DeliveryState.PENDING and after.active:
            queue(uow, delivery)
        else:
            uow.deliveries.save(delivery.given_up() if delivery.state is DeliveryState.PENDING else delivery)


def _still_due(delivery: Delivery, job: Job[RegistryUnitOfWork]) -> bool:
    return delivery.state is DeliveryState.PENDING and delivery.round == job.payload["round"]


async def wish(webhook: Webhook, uow: RegistryUnitOfWork) -> None:
    """It is among those who want something, as it is now, or not any more."""
    known = await uow.wishes.get("all") or Wishes()
    others = tuple(one for one in known.wishes if one.webhook != webhook.id)
    mine = (Wish(webhook=webhook.id, topics=webhook.topics, workspace=webhook.workspace),) if webhook.active else ()
    uow.wishes.save(replace(known, wishes=others + mine))


async def _tell(webhook: Webhook, uow: RegistryUnitOfWork) -> None:
    await troubles.begin(
        uow,
        trouble_of(webhook),
        about=webhook.url,
        title=f"nothing is sent to the webhook {webhook.url} any more",
        detail=f"{webhook.disabled}: mend the receiver, look at /v1/webhooks/{webhook.id}/deliveries, and enable it",
    )


def trouble_of(webhook: Webhook) -> str:
    return f"webhook-disabled/{webhook.id}"
