"""What a person may ask for: a training now, of data as of a date, or of a tick that the schedule had."""

from datetime import UTC, datetime

from murmur_trainer.domain.training import Parameters, Request, Trigger
from murmur_trainer.domain.workflow import Workflow


class NotAskable(Exception):
    """A training that cannot be asked for like this; the message says what can be."""


def by_hand(
    workflow: Workflow, *, key: str, as_of: datetime | None, parameters: Parameters, reason: str, by: str, now: datetime
) -> Request:
    """A training of data as of a date, now where none is given. Raises NotAskable for a date to come."""
    return Request(
        workflow=workflow.name,
        revision=workflow.revision,
        trigger=Trigger(kind="manual", key=key, reason=reason, by=by),
        as_of=past(as_of or now, now),
        parameters=parameters,
    )


def by_schedule(
    workflow: Workflow, *, as_of: datetime | None, parameters: Parameters, reason: str, by: str, now: datetime
) -> Request:
    """The training of a past tick, the latest where none is given. Raises NotAskable where the schedule has no such."""
    schedule = workflow.schedule
    if schedule is None:
        raise NotAskable(f"{workflow.name!r} has no schedule, so no tick to replay: ask with kind 'manual'")
    tick = past(as_of, now) if as_of is not None else schedule.last_until(now)
    if not schedule.is_tick(tick):
        before, after = schedule.around(tick)
        raise NotAskable(
            f"{as_text(tick)} is not a tick of {workflow.name!r} (schedule {workflow.cron!r}): the nearest are"
            f" {as_text(before)} and {as_text(after)}"
        )
    return by_tick(workflow, tick, parameters=parameters, reason=reason or "replay of a tick", by=by)


def by_tick(
    workflow: Workflow, tick: datetime, *, parameters: Parameters | None = None, reason: str, by: str = ""
) -> Request:
    """The training that a tick stands for: the tick is its key, so that it happens once. `by` who replays it."""
    return Request(
        workflow=workflow.name,
        revision=workflow.revision,
        trigger=Trigger(kind="schedule", key=as_text(tick), reason=reason, by=by),
        as_of=tick,
        parameters=parameters or {},
    )


def as_text(tick: datetime) -> str:
    """The key of a tick: ISO 8601 in UTC, to the second."""
    return tick.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def past(at: datetime, now: datetime) -> datetime:
    """The same time. Raises NotAskable for one to come."""
    if at > now:
        raise NotAskable(f"{as_text(at)} is yet to come (it is {as_text(now)}): no data of that time can be read")
    return at
