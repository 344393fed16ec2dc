"""What operators do with webhooks."""

from dataclasses import dataclass, replace

from murmur_events.catalog import CATALOG
from murmur_kernel import troubles
from murmur_registry.domain import workspaces
from murmur_registry.domain.refusals import Invalid, NotPossible, NotThere
from murmur_registry.domain.webhooks import EVERYTHING, Delivery, DeliveryState, Try, Webhook
from murmur_registry.domain.workspaces import Workspace
from murmur_registry.repository import RegistryUnitOfWork, every
from murmur_registry.webhooks.announcing import queue
from murmur_registry.webhooks.delivering import trouble_of, wish

TOPICS = frozenset(
    topic.name for topic in CATALOG if topic.owner == "registry" and not topic.name.startswith("registry.")
)


@dataclass(frozen=True, kw_only=True)
class MakeWebhook:
    url: str
    topics: tuple[str, ...]
    workspace: str | None
    secret: str
    by: str


@dataclass(frozen=True, kw_only=True)
class ChangeWebhook:
    """What is None stays as it is. `enabled` True forgets the failures of before."""

    id: str
    url: str | None = None
    topics: tuple[str, ...] | None = None
    secret: str | None = None
    enabled: bool | None = None


@dataclass(frozen=True, kw_only=True)
class SendAgain:
    webhook: str
    message: str


@dataclass(frozen=True, kw_only=True)
class RecordTest:
    """What became of a test message; a success ends nothing but what the next event would end too."""

    delivery: Delivery
    tried: Try


async def make_webhook(command: MakeWebhook, uow: RegistryUnitOfWork) -> Webhook:
    """Raises Invalid."""
    _check(command.topics)
    webhook = Webhook(
        id=uow.new_id("webhook"),
        url=command.url,
        topics=command.topics,
        workspace=command.workspace,
        secret=command.secret,
        by=command.by,
        created_at=uow.now,
    )
    uow.webhooks.save(webhook)
    await wish(webhook, uow)
    return webhook


async def change_webhook(command: ChangeWebhook, uow: RegistryUnitOfWork) -> Webhook:
    """Raises Invalid, NotThere."""
    webhook = await live_webhook(command.id, uow)
    if command.topics is not None:
        _check(command.topics)
    webhook = replace(
        webhook,
        url=command.url or webhook.url,
        topics=command.topics or webhook.topics,
        secret=command.secret or webhook.secret,
    )
    if command.enabled is True:
        webhook = webhook.enabled()
        await troubles.end(uow, trouble_of(webhook), "it was enabled")
    elif command.enabled is False:
        webhook = replace(webhook, disabled=webhook.disabled or "a person disabled it")
    uow.webhooks.save(webhook)
    await wish(webhook, uow)
    return webhook


async def delete_webhook(webhook_id: str, uow: RegistryUnitOfWork) -> None:
    """Its history stays; what was on its way is given up when its turn comes. Raises NotThere."""
    await _delete(await live_webhook(webhook_id, uow), "it was deleted", uow)


async def delete_webhooks_of(workspace: Workspace, uow: RegistryUnitOfWork) -> None:
    """One that was dropped: who takes its name next is somebody else, of whom they are to hear nothing."""
    async for webhook in every(uow.webhooks, {}):
        its_own = not webhook.deleted and webhook.workspace == workspace.name
        if its_own and workspaces.is_gone(webhook.created_at, workspace):
            await _delete(webhook, "its workspace was dropped", uow)


async def _delete(webhook: Webhook, why: str, uow: RegistryUnitOfWork) -> None:
    webhook = replace(webhook, deleted=True, secret="")
    uow.webhooks.save(webhook)
    await wish(webhook, uow)
    await troubles.end(uow, trouble_of(webhook), why)


async def send_again(command: SendAgain, uow: RegistryUnitOfWork) -> Delivery:
    """From its first try on. Raises NotThere, NotPossible."""
    webhook = await live_webhook(command.webhook, uow)
    if not webhook.active:
        raise NotPossible(f"the webhook {webhook.id!r} is disabled ({webhook.disabled}): enable it first")
    delivery = await uow.deliveries.get(f"{webhook.id}/{command.message}")
    if delivery is None:
        raise NotThere(f"no message {command.message!r} was ever sent to the webhook {webhook.id!r}")
    if delivery.state is DeliveryState.PENDING:
        raise NotPossible(f"the message {command.message!r} is on its way: its next try is at {delivery.next_at}")
    delivery = delivery.again()
    queue(uow, delivery)
    return delivery


async def record_test(command: RecordTest, uow: RegistryUnitOfWork) -> None:
    delivery = command.delivery.tried(command.tried)
    uow.deliveries.save(delivery if command.tried.succeeded else delivery.given_up())


async def live_webhook(webhook_id: str, uow: RegistryUnitOfWork) -> Webhook:
    """Raises NotThere."""
    webhook = await uow.webhooks.get(webhook_id)
    if webhook is None or webhook.deleted:
        raise NotThere(f"no webhook {webhook_id!r} is known here")
    return webhook


def _check(topics: tuple[str, ...]) -> None:
    unknown = sorted(set(topics) - TOPICS - {EVERYTHING})
    if unknown or not topics:
        raise Invalid(
            f"{', '.join(map(repr, unknown)) or 'nothing'} is no event of the registry: choose of"
            f" {', '.join(sorted(TOPICS))}, or * for all of them"
        )
