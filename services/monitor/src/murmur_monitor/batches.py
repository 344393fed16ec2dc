"""From `prediction.logged` to the rows that are folded; what cannot be folded is said here, in words."""

from hashlib import blake2b

import numpy as np

from murmur_events.serving import PredictionLogged
from murmur_monitor.domain.folding import FIRST_ERROR, Batch, IntArray, RankArray
from murmur_monitor.domain.windows import Millis, as_datetime, as_millis


class NotFoldable(ValueError):
    """A batch that fits its schema and still makes no sense. Its message says why."""


def batch_of(event: PredictionLogged, offset: int, *, latest: Millis) -> Batch:
    """The rows of an event that stands at `offset` of its partition.

    Raises NotFoldable for columns of different lengths, for times without a zone and for times later than `latest`.
    """
    rows = len(event.request_ids)
    lengths = {
        "request_ids": rows,
        "times": len(event.times),
        "latencies_ms": len(event.latencies_ms),
        "statuses": len(event.statuses),
        "outputs": len(event.outputs),
        **({"in_batches": len(event.in_batches)} if event.in_batches else {}),
        **{f"features.{name}": len(values) for name, values in event.features.items()},
    }
    odd = {name: length for name, length in lengths.items() if length != rows}
    if odd or not rows:
        raise NotFoldable(f"every column must have one entry a row: request_ids has {rows}, others have {odd!r}")
    with np.errstate(over="ignore"):  # beyond float32 becomes infinite, and counts as missing
        values = np.array([*event.features.values(), event.outputs], dtype=np.float64).T.astype(np.float32)
    return Batch(
        model=event.model,
        offset=offset,
        segment=event.segment,
        first=event.offset,
        columns=tuple(event.features),
        times=_times(event, latest),
        latencies_ms=np.array(event.latencies_ms, dtype=np.float64),
        failed=np.array(event.statuses) >= FIRST_ERROR,
        ranks=_ranks(event),
        values=values,
        live=~np.array(event.in_batches or (False,) * rows),
    )


def _times(event: PredictionLogged, latest: Millis) -> IntArray:
    try:
        times = np.array([as_millis(time) for time in event.times], dtype=np.int64)
    except ValueError as error:
        raise NotFoldable(str(error)) from error
    if times.max() > latest:
        raise NotFoldable(
            f"replica {event.replica!r} says that it answered at {as_datetime(int(times.max())).isoformat()},"
            f" which is in the future: set the clock of its machine"
        )
    return times


def _ranks(event: PredictionLogged) -> RankArray:
    """A hash of what names a row for ever: its place in the server's log, and its request."""
    names = (f"{event.segment}/{event.offset + row}/{request}" for row, request in enumerate(event.request_ids))
    digests = b"".join(blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, dtype="<u8")
