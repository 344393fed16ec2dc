"""Where a story is played: shows each event as it happens and lets the play wait for the one it needs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

from rich.console import Console

from murmur_access import BrokerAccess
from murmur_cli.feed import events
from murmur_cli.story import Storyteller
from murmur_cli.words import describe
from murmur_events import Envelope, Event
from murmur_events.monitoring import WindowMeasured

Condition = Callable[[Envelope], bool]


class StoryStopped(Exception):
    """What had to happen did not, or something happened after which it cannot."""

    def __init__(self, waiting_for: str, why: str) -> None:
        super().__init__(f"waited for {waiting_for}, but {why}")
        self.advice = "look at what the services say: `murmur logs`, and at the whole story: `murmur events`"


def about(name: str) -> Condition:
    """Events whose workflow, model or deployment is `name`."""

    def concerns(envelope: Envelope) -> bool:
        event = envelope.event
        return name in (getattr(event, field, None) for field in ("workflow", "model", "deployment"))

    return concerns


def of(kind: type[Event], **fields: object) -> Condition:
    """Events of one type whose fields have these values."""

    def matches(envelope: Envelope) -> bool:
        event = envelope.event
        return isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())

    return matches


def _too_small(envelope: Envelope) -> bool:
    """Windows in which hardly anybody asked are no news."""
    return isinstance(envelope.event, WindowMeasured) and envelope.event.outcome == "too_few_rows"


class Stage:
    """The live history of one story. Waiting looks at what has happened already, too."""

    def __init__(self, brokers: BrokerAccess | str, console: Console, concerns: Condition) -> None:
        self._brokers = brokers
        self._console = console
        self._concerns = concerns
        self._teller = Storyteller()
        self._changed = asyncio.Condition()
        self.seen: list[Envelope] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Stage"]:
        """Shows events while the block runs; those from before it are not shown."""
        watching = asyncio.create_task(self._watch())
        try:
            yield self
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def wait_for(
        self, what: str, condition: Condition, *, unless: Condition | None = None, within: float = 180
    ) -> Envelope:
        """The first event that meets `condition`.

        Raises StoryStopped when one meets `unless` first, or when none came within so many seconds.
        """
        with self._console.status(f"[dim]waiting for {what}[/dim]"):
            try:
                async with asyncio.timeout(within), self._changed:
                    while True:
                        for envelope in self.seen:
                            if condition(envelope):
                                return envelope
                            if unless is not None and unless(envelope):
                                raise StoryStopped(what, f"{envelope.topic} came: {describe(envelope.event)}")
                        await self._changed.wait()
            except TimeoutError:
                last = self.seen[-1].topic if self.seen else "nothing"
                raise StoryStopped(what, f"it did not come within {within:.0f} s; the last event was {last}") from None

    def count(self, condition: Condition) -> int:
        return sum(1 for envelope in self.seen if condition(envelope))

    async def _watch(self) -> None:
        opened = datetime.now(UTC)
        async with aclosing(events(self._brokers, follow=True)) as history:
            async for envelope in history:
                if envelope.time < opened or not self._concerns(envelope):
                    continue
                if not _too_small(envelope):
                    self._console.print(self._teller.line(envelope), soft_wrap=True)
                async with self._changed:
                    self.seen.append(envelope)
                    self._changed.notify_all()
