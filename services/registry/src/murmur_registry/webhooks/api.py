"""REST: webhooks, what became of their messages, and a try by hand."""

import uuid
from dataclasses import dataclass

from fastapi import APIRouter

from murmur_kernel.auth import Caller, Role, allows
from murmur_kernel.commands import Done
from murmur_kernel.service import Service
from murmur_registry.api import Cursor, Limit
from murmur_registry.domain.names import workspace_named
from murmur_registry.domain.webhooks import TESTED, Delivery, DeliveryState, Webhook
from murmur_registry.repository import RegistryUnitOfWork
from murmur_registry.webhooks.announcing import body_of
from murmur_registry.webhooks.commands import (
    ChangeWebhook,
    MakeWebhook,
    RecordTest,
    SendAgain,
    change_webhook,
    delete_webhook,
    live_webhook,
    make_webhook,
    record_test,
    send_again,
)
from murmur_registry.webhooks.reaching import Reach
from murmur_registry.webhooks.schemas import (
    DeliveryPage,
    DeliveryView,
    TryView,
    WebhookBody,
    WebhookChange,
    WebhookMade,
    WebhookPage,
    WebhookView,
    delivery_view,
    try_view,
    webhook_made,
    webhook_view,
)
from murmur_registry.webhooks.sending import Sender
from murmur_registry.webhooks.signing import new_secret


@dataclass(frozen=True, kw_only=True)
class ListDeliveries:
    webhook: str
    state: DeliveryState | None
    limit: int
    cursor: str | None


async def list_webhooks(query: tuple[int, str | None], uow: RegistryUnitOfWork) -> WebhookPage:
    page = await uow.webhooks.find(limit=query[0], cursor=query[1])
    return WebhookPage(items=[webhook_view(one) for one in page.items if not one.deleted], next=page.next)


async def list_deliveries(query: ListDeliveries, uow: RegistryUnitOfWork) -> DeliveryPage:
    """Newest first; of a webhook that was deleted, too."""
    where = {"webhook": query.webhook} | ({"state": query.state.value} if query.state else {})
    page = await uow.deliveries.find(where=where, descending=True, limit=query.limit, cursor=query.cursor)
    return DeliveryPage(items=[delivery_view(one) for one in page.items], next=page.next)


def router(service: Service[RegistryUnitOfWork], reach: Reach, sender: Sender) -> APIRouter:
    api = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

    @api.post("", status_code=201, dependencies=[allows(Role.OPERATOR)])
    async def make(body: WebhookBody, caller: Caller) -> WebhookMade:
        """Its secret is in this answer and in no other."""
        reach.check_url(body.url)
        command = MakeWebhook(
            url=body.url,
            topics=tuple(body.topics),
            workspace=None if body.workspace is None else workspace_named(body.workspace),
            secret=new_secret(),
            by=caller.signs_as(body.by),
        )
        return webhook_made(await service.change(make_webhook, command, answer=Webhook))

    @api.get("", dependencies=[allows(Role.VIEWER)])
    async def webhooks(limit: Limit = 50, cursor: Cursor = None) -> WebhookPage:
        return await service.read(list_webhooks, (limit, cursor))

    @api.get("/{webhook}", dependencies=[allows(Role.VIEWER)])
    async def show(webhook: str) -> WebhookView:
        return webhook_view(await service.read(live_webhook, webhook))

    @api.patch("/{webhook}", dependencies=[allows(Role.OPERATOR)])
    async def change(webhook: str, body: WebhookChange) -> WebhookView:
        """`enabled: true` after it was disabled: what was given up meanwhile is sent again by hand, if at all."""
        if body.url is not None:
            reach.check_url(body.url)
        topics = None if body.topics is None else tuple(body.topics)
        command = ChangeWebhook(id=webhook, url=body.url, topics=topics, enabled=body.enabled)
        return webhook_view(await service.change(change_webhook, command, answer=Webhook))

    @api.post("/{webhook}/secret", dependencies=[allows(Role.OPERATOR)])
    async def renew(webhook: str) -> WebhookMade:
        """A new secret; the one of before signs nothing any more."""
        command = ChangeWebhook(id=webhook, secret=new_secret())
        return webhook_made(await service.change(change_webhook, command, answer=Webhook))

    @api.delete("/{webhook}", dependencies=[allows(Role.OPERATOR)])
    async def delete(webhook: str) -> Done:
        await service.change(delete_webhook, webhook, answer=type(None))
        return Done()

    @api.post("/{webhook}/test", dependencies=[allows(Role.OPERATOR)])
    async def test(webhook: str) -> TryView:
        """Sends one message of type `webhook.tested` now, and says what became of it. It is not sent again."""
        known = await service.read(live_webhook, webhook)
        now, message = service.clock.now(), str(uuid.uuid4())
        body = body_of(TESTED, now, {"webhook": known.id, "url": known.url})
        delivery = Delivery(
            id=f"{known.id}/{message}", webhook=known.id, message=message, topic=TESTED, body=body, created_at=now
        )
        tried = await sender.send(known, delivery, now)
        await service.change(record_test, RecordTest(delivery=delivery, tried=tried), answer=type(None))
        return try_view(tried)

    @api.get("/{webhook}/deliveries", dependencies=[allows(Role.VIEWER)])
    async def deliveries(
        webhook: str, state: DeliveryState | None = None, limit: Limit = 50, cursor: Cursor = None
    ) -> DeliveryPage:
        """Every message with its tries, newest first."""
        query = ListDeliveries(webhook=webhook, state=state, limit=limit, cursor=cursor)
        return await service.read(list_deliveries, query)

    @api.post("/{webhook}/deliveries/{message}/redeliver", dependencies=[allows(Role.OPERATOR)])
    async def redeliver(webhook: str, message: str) -> DeliveryView:
        """Once more, from its first try on. 409 while it is on its way, or the webhook is disabled."""
        command = SendAgain(webhook=webhook, message=message)
        return delivery_view(await service.change(send_again, command, answer=Delivery))

    return api
