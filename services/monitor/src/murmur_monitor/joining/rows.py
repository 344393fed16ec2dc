"""From records of both topics to rows that can be joined; what cannot be joined is said here, in words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AwareDatetime, Field, TypeAdapter

from murmur_events.serving import FeedbackRecorded
from murmur_monitor.domain.folding import FIRST_ERROR
from murmur_monitor.domain.labels import CLICKS, key_of
from murmur_monitor.domain.windows import Millis, as_datetime, as_millis

Whole = Annotated[int, Field(ge=0, le=2**62)]
"""What the label book's file can hold, and a sum of it and a few rows."""

RecordPlace = tuple[int, int]
"""Partition and offset of a record of prediction.logged."""


class NotJoinable(ValueError):
    """Feedback that fits its schema and still makes no sense. Its message says why."""


@dataclass(frozen=True)
class LoggedRows:
    """What joining needs of prediction.logged. Reading no more than this takes a third of the time: the features are
    most of an event."""

    deployment: str
    version: Whole
    segment: str
    offset: Whole
    request_ids: list[str]
    times: list[AwareDatetime]
    statuses: list[int]
    outputs: list[float | None]
    in_batches: list[bool] = field(default_factory=list)


_LOGGED = TypeAdapter(LoggedRows)


@dataclass(frozen=True)
class Predictions:
    """Rows of one batch, by columns, failed ones included: the place of a row in its request is counted from them.

    Rows that a batch had scored have no request id here: they are in no window, so no label can tell of one.
    """

    deployment: str
    version: int
    segment: str
    first: int
    request_ids: Sequence[str]
    times: Sequence[Millis]
    failed: Sequence[bool]
    outputs: Sequence[float | None]
    """None where nothing was answered."""
    record: RecordPlace

    def keeps(self, place: int) -> bool:
        """Whether a label may tell of the row there: it has a name, and was answered with a number."""
        output = self.outputs[place]
        return bool(self.request_ids[place]) and output is not None and math.isfinite(output)


@dataclass(frozen=True)
class Labels:
    """Labels of one event; `arrived` is when the event was made, by which a label is in time or late."""

    deployment: str
    arrived: Millis
    keys: Sequence[int]
    known: Sequence[Millis]
    values: Sequence[float]
    clicks: bool


def predictions_of(value: bytes, record: RecordPlace) -> Predictions:
    """Raises ValueError for what is no batch of predictions; the windows' intake makes a dead letter of it."""
    event = _LOGGED.validate_json(value)
    rows = len(event.request_ids)
    if not rows or {len(event.times), len(event.statuses), len(event.outputs)} != {rows}:
        raise ValueError("columns of different lengths")
    failed = [status >= FIRST_ERROR for status in event.statuses]
    return Predictions(
        deployment=event.deployment,
        version=event.version,
        segment=event.segment,
        first=event.offset,
        request_ids=_live(event),
        times=[as_millis(time) for time in event.times],
        failed=failed,
        outputs=[None if odd else output for odd, output in zip(failed, event.outputs, strict=True)],
        record=record,
    )


def _live(event: LoggedRows) -> list[str]:
    if not event.in_batches:
        return event.request_ids
    return ["" if batch else name for name, batch in zip(event.request_ids, event.in_batches, strict=True)]


def labels_of(event: FeedbackRecorded, arrived: Millis, *, latest: Millis) -> Labels:
    """Raises NotJoinable for columns of different lengths, and for times later than `latest`."""
    rows = len(event.request_ids)
    odd = {name: length for name in ("times", "labels") if (length := len(getattr(event, name))) != rows}
    if odd or not rows:
        raise NotJoinable(f"every column must have one entry a label: request_ids has {rows}, others have {odd!r}")
    known = [as_millis(time) for time in event.times]
    if max(known) > latest:
        name, moment = event.request_ids[known.index(max(known))], as_datetime(max(known)).isoformat()
        raise NotJoinable(
            f"the label of request {name!r} becomes known at {moment!r}, which is in the future, and no correction"
            f" would ever replace it: correct the time, or the clock of whoever sent it"
        )
    return Labels(
        deployment=event.deployment,
        arrived=arrived,
        keys=[key_of(event.deployment, name) for name in event.request_ids],
        known=known,
        values=event.labels,
        clicks=event.source == CLICKS,
    )
