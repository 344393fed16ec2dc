"""Webhooks: who wants to hear of which of the registry's events, and what became of each message to them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

EVERYTHING = "*"
TESTED = "webhook.tested"
"""The type of the message that a person sends to see whether it arrives."""

DELAYS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3_600, 3 * 3_600, 6 * 3_600, 12 * 3_600, 24 * 3_600)
)
"""Between one try and the next; after the last a message is given up, two days after it was first tried."""

_TRIES_KEPT = 20


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """topics: the events it wants, or `*`. workspace: None is all of them.

    failing_since: the first failure that no success has followed
    disabled: why nothing is sent to it any more; empty while something is
    """

    id: str
    url: str
    topics: tuple[str, ...]
    workspace: str | None
    secret: str
    by: str
    created_at: datetime
    failing_since: datetime | None = None
    disabled: str = ""
    deleted: bool = False

    @property
    def active(self) -> bool:
        return not (self.disabled or self.deleted)

    def wants(self, topic: str, workspace: str) -> bool:
        return (
            self.active and self.workspace in (None, workspace) and (EVERYTHING in self.topics or topic in self.topics)
        )

    def after(self, tried: "Try", *, patience: timedelta) -> "Webhook":
        """One that says 410 wants nothing any more; one that fails for as long as `patience` gets nothing any more."""
        if tried.succeeded:
            return replace(self, failing_since=None)
        failing = replace(self, failing_since=self.failing_since or tried.at)
        if tried.status == _GONE:
            return replace(failing, disabled="it answered 410: it wants nothing any more")
        since = failing.failing_since
        if since is not None and tried.at - since >= patience:
            return replace(
                failing, disabled=f"every message since {since.isoformat()} failed, the last: {tried.outcome}"
            )
        return failing

    def enabled(self) -> "Webhook":
        return replace(self, disabled="", failing_since=None)


_GONE = 410


class DeliveryState(StrEnum):
    PENDING = "pending"
    """To be tried, for the first time or again."""
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    """Its last try failed, or its webhook gets nothing any more. It may be sent again by hand."""


@dataclass(frozen=True, kw_only=True)
class Try:
    """One request: `status` of the answer, or `error` where there was none."""

    at: datetime
    status: int | None
    error: str
    seconds: float

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # as HTTP has it

    @property
    def outcome(self) -> str:
        return self.error or f"status {self.status}"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message to one webhook. `message` is its id there, the same at each try, so that it may be known again."""

    id: str
    webhook: str
    message: str
    topic: str
    body: str
    created_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    tries: tuple[Try, ...] = ()
    """The last twenty."""
    round: int = 0
    """How many tries there were since it was sent, or sent again by hand."""
    next_at: datetime | None = None

    def tried(self, tried: Try) -> "Delivery":
        after = replace(self, tries=(*self.tries, tried)[-_TRIES_KEPT:], round=self.round + 1, next_at=None)
        if tried.succeeded:
            return replace(after, state=DeliveryState.DELIVERED)
        if self.round >= len(DELAYS):
            return after.given_up()
        return replace(after, next_at=tried.at + DELAYS[self.round])

    def given_up(self) -> "Delivery":
        return replace(self, state=DeliveryState.GIVEN_UP, next_at=None)

    def again(self) -> "Delivery":
        return replace(self, state=DeliveryState.PENDING, round=0, next_at=None)
