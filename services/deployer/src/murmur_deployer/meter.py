"""Measures what each replica answers right now, while somebody asks: two looks at its counters make a rate."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.replicas import Replica
from murmur_deployer.ports import ModelServers

_AT_LEAST = 0.9
"""Seconds between two looks, however many people ask."""
_STRETCH = 5.0
"""Seconds that a rate is measured over, or the time since the last look where nobody has asked for longer."""
_FORGOTTEN = 60.0
_NOTHING = Counts()


@dataclass(frozen=True)
class Measured:
    """counts: what the replica has counted since it began, None where it does not tell. came, seconds: what came in
    the newest stretch; seconds is 0 until there are two looks."""

    counts: Counts | None
    came: Counts = _NOTHING
    seconds: float = 0.0


class Meter:
    """Holds the looks of the last seconds in memory: nothing is asked of a replica that nobody looks at."""

    def __init__(self, servers: ModelServers, *, now: Callable[[], float] = time.monotonic) -> None:
        self._servers = servers
        self._now = now
        self._looks: dict[str, deque[tuple[float, Counts]]] = {}
        self._asked: dict[str, tuple[float, Counts | None]] = {}
        self._turn = asyncio.Lock()

    async def measure(self, replicas: Sequence[Replica]) -> dict[str, Measured]:
        """By name."""
        async with self._turn:
            self._forget()
            await asyncio.gather(*(self._look(replica) for replica in replicas))
        return {replica.name: self._measured(replica.name) for replica in replicas}

    async def _look(self, replica: Replica) -> None:
        last = self._asked.get(replica.name)
        if last is not None and self._now() - last[0] < _AT_LEAST:
            return
        counts = await self._servers.counts(replica)
        now = self._now()
        self._asked[replica.name] = (now, counts)
        if counts is None:
            return
        looks = self._looks.setdefault(replica.name, deque())
        looks.append((now, counts))
        while len(looks) > 2 and now - looks[1][0] >= _STRETCH:
            looks.popleft()

    def _measured(self, name: str) -> Measured:
        _, counts = self._asked[name]
        looks = self._looks.get(name)
        if counts is None or looks is None or len(looks) < 2:
            return Measured(counts)
        (began, before), (ended, after) = looks[0], looks[-1]
        return Measured(counts, after if after.began_after(before) else after.minus(before), ended - began)

    def _forget(self) -> None:
        oldest = self._now() - _FORGOTTEN
        for name in [name for name, (at, _) in self._asked.items() if at < oldest]:
            del self._asked[name]
            self._looks.pop(name, None)
