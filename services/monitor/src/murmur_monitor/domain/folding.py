"""Folding batches of predictions into the state of one window: numbers, and a bounded sample of rows.

Every part is order-free and idempotent, so that neither a batch that comes twice nor one that comes late changes what a
window says: counts and buckets add up, the sample is the k rows of the smallest rank (a hash of the row's identity).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
RankArray = npt.NDArray[np.uint64]
RowArray = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

OUTPUT = "prediction"
"""The sample's last column, under the name that it has in the reference."""

FIRST_ERROR = 400
"""HTTP statuses from here on count as errors; their rows are counted and timed, and neither sampled nor labelled."""

_GROWTH = 1.05
_SMALLEST_MS = 0.01
BUCKETS = 384
"""Latency buckets, each 5 % wider than the one before, from 10 us to 20 min: a quantile is right to 2.5 %.
After DDSketch (Masson, Rim, Lee, 2019)."""

MAX_SEGMENTS = 64
"""How many segments of prediction logs a window remembers; only the newest of each replica is ever sent again."""

SAMPLE_BYTES = 384 * 1024
"""The most that a window's sample takes: it is written with every batch and must fit well into a message of 1 MiB."""


class ColumnsDiffer(ValueError):
    """A batch has other columns than the window it belongs to."""

    def __init__(self, found: tuple[str, ...], expected: tuple[str, ...]) -> None:
        odd = sorted(set(found) ^ set(expected))
        super().__init__(
            f"the batch has the columns {found!r}, its window has {expected!r}: they differ in {odd!r};"
            f" all rows of one model version must have the same ones"
        )


@dataclass(frozen=True)
class Sample:
    """Rows drawn without favour: those of the smallest rank. `values` has a row each, `columns` plus the output."""

    columns: tuple[str, ...]
    ranks: RankArray
    values: RowArray

    @classmethod
    def nothing(cls) -> "Sample":
        return cls((), np.empty(0, np.uint64), np.empty((0, 1), np.float32))

    def joined(self, other: "Sample", *, rows: int) -> "Sample":
        """The same as if one had drawn from both. Raises ColumnsDiffer."""
        if not len(other.ranks):
            return self
        if not len(self.ranks):
            return other.smallest(rows)
        if self.columns != other.columns:
            raise ColumnsDiffer(other.columns, self.columns)
        ranks, first = np.unique(np.concatenate([self.ranks, other.ranks]), return_index=True)
        values = np.concatenate([self.values, other.values])[first]
        return Sample(self.columns, ranks, values).smallest(rows)

    def smallest(self, rows: int) -> "Sample":
        rows = min(rows, SAMPLE_BYTES // (8 + 4 * (len(self.columns) + 1)))
        order = np.argsort(self.ranks)[:rows]
        return Sample(self.columns, self.ranks[order], self.values[order])


@dataclass(frozen=True)
class Batch:
    """Rows of one model server, by columns, in the order in which it answered them.

    offset:  of the record in its partition
    segment: of the server's log; `first` is the number of the batch's first row in it
    ranks:   one a row, the same whenever the row is sent
    values:  one row each, the features in the order of `columns` and the output; not a number where it is missing
    live:    whether somebody asked for the row by itself; what a batch had scored is no traffic
    """

    model: str
    offset: int
    segment: str
    first: int
    columns: tuple[str, ...]
    times: IntArray
    latencies_ms: FloatArray
    failed: npt.NDArray[np.bool_]
    ranks: RankArray
    values: RowArray
    live: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fold:
    """All that is known of one window in one partition.

    offset:   of the last record folded; what comes at or before it was folded already
    segments: for each log segment, the number of the first row that was not folded yet
    """

    model: str
    offset: int = -1
    segments: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    errors: int = 0
    outputs: int = 0
    output_sum: float = 0.0
    latencies: IntArray = field(default_factory=lambda: np.zeros(BUCKETS, np.int64))
    sample: Sample = field(default_factory=Sample.nothing)

    def folded(self, batch: Batch, positions: npt.NDArray[np.intp], *, sample_rows: int) -> "Fold":
        """With the rows of the batch at these positions. Records and rows known already change nothing.

        Raises ColumnsDiffer.
        """
        if batch.offset <= self.offset:
            return self
        known = self.segments.get(batch.segment, 0)
        new = positions[batch.first + positions >= known]
        if not len(new):
            return replace(self, offset=batch.offset)
        answered = new[~batch.failed[new]]
        outputs = batch.values[answered, -1].astype(np.float64)
        outputs = outputs[np.isfinite(outputs)]
        drawn = Sample(batch.columns, batch.ranks[answered], batch.values[answered])
        return Fold(
            model=self.model,
            offset=batch.offset,
            segments=_remember(self.segments, batch.segment, batch.first + int(new[-1]) + 1),
            rows=self.rows + len(new),
            errors=self.errors + len(new) - len(answered),
            outputs=self.outputs + len(outputs),
            output_sum=self.output_sum + float(outputs.sum()),
            latencies=self.latencies + _histogram(batch.latencies_ms[new]),
            sample=self.sample.joined(drawn, rows=sample_rows),
        )

    def merged(self, other: "Fold", *, sample_rows: int) -> "Fold":
        """The same window as another partition saw it, added. Raises ColumnsDiffer."""
        return replace(
            self,
            segments={**self.segments, **other.segments},
            rows=self.rows + other.rows,
            errors=self.errors + other.errors,
            outputs=self.outputs + other.outputs,
            output_sum=self.output_sum + other.output_sum,
            latencies=self.latencies + other.latencies,
            sample=self.sample.joined(other.sample, rows=sample_rows),
        )

    def latency_ms(self, quantile: float) -> float | None:
        """The middle of the bucket in which the quantile lies; None without rows."""
        total = int(self.latencies.sum())
        if not total:
            return None
        bucket = int(np.searchsorted(np.cumsum(self.latencies), math.ceil(quantile * total)))
        return float(_SMALLEST_MS * _GROWTH ** (bucket - 0.5))

    @property
    def output_mean(self) -> float | None:
        return self.output_sum / self.outputs if self.outputs else None


def _histogram(latencies_ms: FloatArray) -> IntArray:
    known = latencies_ms[np.isfinite(latencies_ms)]
    places = np.ceil(np.log(np.maximum(known, _SMALLEST_MS) / _SMALLEST_MS) / math.log(_GROWTH))
    return np.bincount(np.clip(places, 0, BUCKETS - 1).astype(np.int64), minlength=BUCKETS).astype(np.int64)


def _remember(segments: Mapping[str, int], segment: str, upto: int) -> dict[str, int]:
    remembered = {name: rows for name, rows in segments.items() if name != segment}
    remembered[segment] = upto
    while len(remembered) > MAX_SEGMENTS:
        del remembered[next(iter(remembered))]
    return remembered
