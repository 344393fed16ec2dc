"""What REST takes and gives about webhooks. A secret is in one answer only: that of the call which made it."""

from datetime import datetime

from pydantic import BaseModel, Field

from murmur_registry.domain.webhooks import Delivery, DeliveryState, Try, Webhook


class WebhookBody(BaseModel):
    url: str = Field(max_length=2000, examples=["http://127.0.0.1:9000/hook"])
    topics: list[str] = Field(min_length=1, max_length=50, description="events of the registry, or * for all")
    workspace: str | None = Field(default=None, description="left out: of all workspaces")
    by: str | None = Field(default=None, min_length=1, max_length=200)


class WebhookChange(BaseModel):
    """What is left out stays as it is."""

    url: str | None = Field(default=None, max_length=2000)
    topics: list[str] | None = Field(default=None, min_length=1, max_length=50)
    enabled: bool | None = None


class WebhookView(BaseModel):
    id: str
    url: str
    topics: list[str]
    workspace: str | None
    by: str
    created_at: datetime
    enabled: bool
    disabled_because: str
    failing_since: datetime | None


class WebhookMade(WebhookView):
    secret: str = Field(description="to verify signatures with; it is never shown again")


class WebhookPage(BaseModel):
    items: list[WebhookView]
    next: str | None


class TryView(BaseModel):
    at: datetime
    status: int | None
    error: str
    seconds: float


class DeliveryView(BaseModel):
    message: str = Field(description="webhook-id, the same at every try")
    topic: str
    state: DeliveryState
    created_at: datetime
    next_at: datetime | None
    tries: list[TryView]
    body: str


class DeliveryPage(BaseModel):
    items: list[DeliveryView]
    next: str | None


def webhook_view(webhook: Webhook) -> WebhookView:
    return WebhookView(
        id=webhook.id,
        url=webhook.url,
        topics=list(webhook.topics),
        workspace=webhook.workspace,
        by=webhook.by,
        created_at=webhook.created_at,
        enabled=webhook.active,
        disabled_because=webhook.disabled,
        failing_since=webhook.failing_since,
    )


def webhook_made(webhook: Webhook) -> WebhookMade:
    return WebhookMade(**vars(webhook_view(webhook)), secret=webhook.secret)


def try_view(tried: Try) -> TryView:
    return TryView(at=tried.at, status=tried.status, error=tried.error, seconds=tried.seconds)


def delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        message=delivery.message,
        topic=delivery.topic,
        state=delivery.state,
        created_at=delivery.created_at,
        next_at=delivery.next_at,
        tries=[try_view(tried) for tried in delivery.tries],
        body=delivery.body,
    )
