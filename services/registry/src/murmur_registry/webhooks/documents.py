"""What is kept of webhooks: each, its messages with their tries, and one short list of who wants what."""

from dataclasses import dataclass

from murmur_kernel.documents import Kind
from murmur_registry.domain.webhooks import Delivery, Webhook


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Who wants which events: of the active ones."""

    webhook: str
    topics: tuple[str, ...]
    workspace: str | None


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """All of them in one document, since every change of the registry asks for it."""

    id: str = "all"
    wishes: tuple[Wish, ...] = ()


WEBHOOKS = Kind("webhook", Webhook, key=lambda webhook: webhook.id)
DELIVERIES = Kind("webhook-delivery", Delivery, key=lambda delivery: delivery.id, indexes=("webhook", "state"))
WISHES = Kind("webhook-wishes", Wishes, key=lambda wishes: wishes.id, keeps=4)

WEBHOOK_KINDS = (WEBHOOKS, DELIVERIES, WISHES)
