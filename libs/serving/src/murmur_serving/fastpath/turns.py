"""Answers together what came in one turn of the event loop.

Nothing waits for company: what a turn has read is answered before the next is read. With one connection that is one
request; with many it is as many as came while the ones before were answered.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from murmur_serving.engines.choosing import BATCH_FROM
from murmur_serving.fastpath.answers import Answer, Answering, Asked

_MOST_ROWS = BATCH_FROM - 1
"""Of requests that are answered together: who else asks at that moment must not choose the engine."""


class Waiting(Protocol):
    """Who asked, and takes the answer, or None where MLServer shall answer."""

    def take(self, answer: Answer | None) -> None: ...


class Turn:
    """One event loop's. Answers are given in the order of the requests."""

    def __init__(self, call_soon: Callable[[Callable[[], None]], object] | None = None) -> None:
        self._call_soon = call_soon
        self._waiting: list[tuple[Answering, Asked, Waiting]] = []
        self._rows = 0

    def ask(self, answering: Answering, asked: Asked, waiting: Waiting) -> None:
        """`waiting` hears before the next turn, or now if there is enough to do already.

        A batch's rows and a probe's are answered by themselves: they are counted and logged otherwise, nobody waits
        longer for having come together with them, and the engine is the one that a request of so many rows always has.
        """
        alone = asked.batch or asked.probe
        if alone or self._rows + len(asked.rows.rows) > _MOST_ROWS:
            self.end()
        if not self._waiting:
            (self._call_soon or asyncio.get_running_loop().call_soon)(self.end)
        self._waiting.append((answering, asked, waiting))
        self._rows += len(asked.rows.rows)
        if alone or self._rows >= _MOST_ROWS:
            self.end()

    def end(self) -> None:
        """Answers all that wait; nothing if nothing does."""
        waiting, self._waiting, self._rows = self._waiting, [], 0
        while waiting:
            answering = waiting[0][0]
            same = [one for one in waiting if one[0] is answering]
            waiting = [one for one in waiting if one[0] is not answering]
            for (_, _, who), answer in zip(same, answering.answer([asked for _, asked, _ in same]), strict=True):
                who.take(answer)
