"""Events of many partitions in the order of their causes: an effect that arrives first waits a moment for its cause."""

from collections.abc import Iterable

from murmur_events import Envelope


class CausalOrder:
    """Gives events out by time, causes first; an effect waits up to `patience` seconds for a cause not seen yet.

    Causes that never come (they lie before the beginning, or on topics that are not read) hold nothing up longer.
    """

    def __init__(self, patience: float = 0.5) -> None:
        self._patience = patience
        self._given: set[str] = set()
        self._waiting: dict[str, tuple[float, Envelope]] = {}

    def sorted(self, arrived: Iterable[Envelope], now: float) -> list[Envelope]:
        """What may be given out at `now` (monotonic seconds), with what `arrived` just then."""
        for envelope in arrived:
            self._waiting[envelope.id] = (now + self._patience, envelope)
        ready: list[Envelope] = []
        for due, envelope in sorted(self._waiting.values(), key=lambda pair: (pair[1].time, self._depth(pair[1]))):
            cause = envelope.causation_id
            if cause is None or cause in self._given or (due <= now and cause not in self._waiting):
                self._given.add(envelope.id)
                ready.append(envelope)
        for envelope in ready:
            del self._waiting[envelope.id]
        return ready

    def _depth(self, envelope: Envelope) -> int:
        """How many of its causes wait too: it orders what one unit of work published in the same moment."""
        depth = 0
        while envelope.causation_id in self._waiting and depth < len(self._waiting):
            _, envelope = self._waiting[envelope.causation_id]
            depth += 1
        return depth
