"""How a label names its prediction, and what one lot of labels must be like to be taken."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

MOST_ROWS = 10_000
"""Labels of one call: their event stays far below the largest record that a broker takes."""

CLICKS = "clicks"
"""Labels of this source are clicks: their mean is the click-through rate."""

_FIRST_ROW = "#0"


class NotUsable(ValueError):
    """Labels that make no sense; the message names the value and says what to do."""


@dataclass(frozen=True)
class Label:
    """What became known of one prediction. at: when it became known; None: now."""

    request_id: str
    label: float
    at: datetime | None = None


def row_name(request_id: str, row: int) -> str:
    """Names row `row` (from 0) of a request: the first by the request's id alone."""
    return f"{request_id}#{row}" if row else named(request_id)


def named(name: str) -> str:
    """As the first row may also be written: `id#0` is `id`."""
    return name.removesuffix(_FIRST_ROW)


def key_of(deployment: str, name: str) -> int:
    """64 bits, signed, that stand for a name. Among a hundred million predictions, a label of none of them finds one
    by mistake with a probability of 5e-12."""
    digest = blake2b(f"{deployment}\n{named(name)}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def usable(labels: Sequence[Label], *, latest: datetime) -> tuple[Label, ...]:
    """Each name once, in the order given. Raises NotUsable for what no prediction can be judged by, and for a time
    later than `latest`: no correction would ever replace that label."""
    if not labels:
        raise NotUsable("rows is empty: give at least one {request_id, label}")
    if len(labels) > MOST_ROWS:
        raise NotUsable(f"{len(labels):,} rows are too many for one call: send {MOST_ROWS:,} at most, in several calls")
    for number, one in enumerate(labels):
        _check(number, one, latest)
    _check_doubles(labels)
    first: dict[str, Label] = {}
    for one in labels:
        first.setdefault(named(one.request_id), one)
    return tuple(first.values())


def _check(number: int, one: Label, latest: datetime) -> None:
    if not one.request_id:
        raise NotUsable(f"row {number}: request_id {one.request_id!r} names no request: leave the row out")
    if not math.isfinite(one.label):
        raise NotUsable(
            f"row {number}: label {one.label!r} of request {one.request_id!r} is no number:"
            f" leave the row out until the label is known"
        )
    if one.at is not None and one.at.tzinfo is None:
        raise NotUsable(f"row {number}: time {one.at.isoformat()!r} names no zone: write it with an offset, such as Z")
    if one.at is not None and one.at > latest:
        raise NotUsable(
            f"row {number}: time {one.at.isoformat()!r} of request {one.request_id!r} is in the future:"
            f" give the time at which the label became known, or leave it out"
        )


def _check_doubles(labels: Iterable[Label]) -> None:
    known: dict[str, float] = {}
    differing: Counter[str] = Counter()
    for one in labels:
        if known.setdefault(named(one.request_id), one.label) != one.label:
            differing[one.request_id] += 1
    if differing:
        name = next(iter(differing))
        values = sorted({one.label for one in labels if named(one.request_id) == named(name)})
        more = f" (and {len(differing) - 1} more requests)" if len(differing) > 1 else ""
        raise NotUsable(
            f"request {name!r} has the labels {values!r}{more}: send one of them;"
            f" a correction goes in a later call, with a later time"
        )
