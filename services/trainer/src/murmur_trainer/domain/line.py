"""The line of one workflow: who trains now, and who waits behind it, so that two never compete for one model."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Line:
    """active and waiting are run ids; the first that waits is the next.

    drifted_at: when drift or degradation last asked for a training.
    """

    workflow: str
    active: str | None = None
    waiting: tuple[str, ...] = ()
    drifted_at: datetime | None = None

    def joined(self, run_id: str) -> "Line":
        """With `run_id` training where nobody does, and at the end of the line elsewhere."""
        if self.active is None:
            return replace(self, active=run_id)
        return replace(self, waiting=(*self.waiting, run_id))

    def left(self, run_id: str) -> "Line":
        """With the next one active, now that `run_id` has ended; unchanged where another is active."""
        if self.active != run_id:
            return self
        if not self.waiting:
            return replace(self, active=None)
        return replace(self, active=self.waiting[0], waiting=self.waiting[1:])

    def asked_by_monitor(self, at: datetime) -> "Line":
        return replace(self, drifted_at=at)
