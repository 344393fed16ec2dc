"""When a workflow is due: ticks of a cron expression, always in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")
"""The five fields of a cron expression, in order; 'day-of-month' and the rest are also cronsim's words for them."""

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class BadField:
    """The field that makes a cron expression unusable: its index in FIELDS, or None where it is the whole."""

    index: int | None
    reason: str


@dataclass(frozen=True)
class Schedule:
    """A valid cron expression (see `fault`). Every time taken or given is UTC-aware."""

    cron: str

    def next_after(self, at: datetime) -> datetime:
        """The first tick strictly later than `at`."""
        return next(CronSim(self.cron, at.astimezone(UTC)))

    def last_until(self, at: datetime) -> datetime:
        """The last tick not later than `at`."""
        return next(CronSim(self.cron, at.astimezone(UTC).replace(microsecond=0) + SECOND, reverse=True))

    def is_tick(self, at: datetime) -> bool:
        return self.last_until(at) == at

    def around(self, at: datetime) -> tuple[datetime, datetime]:
        """The ticks next to `at`, before and after."""
        return self.last_until(at), self.next_after(at)


def fault(cron: str) -> BadField | None:
    """What makes `cron` unusable as a schedule, or None."""
    fields = cron.split()
    if len(fields) != len(FIELDS):
        return BadField(index=None, reason=f"it has {len(fields)} fields, a cron expression has five")
    try:
        Schedule(cron).next_after(datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        name = str(error).removeprefix("Bad ")
        index = FIELDS.index(name) if name in FIELDS else None
        return BadField(index=index, reason=str(error).lower())
    except StopIteration:
        return BadField(index=None, reason="no date of the next 50 years fits it")
    return None
