"""Shows on rows like those of training that the converted model answers as the original one does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from murmur_events.values import Sha256

TOLERANCE = 1e-6
"""Of outputs between -1 and 1 absolutely, of larger ones relatively: float32 has no more digits."""
ROWS = 10_000
_MISSING = 0.1
LARGEST_CALL = 255
"""Rows: ONNX Runtime is asked about fewer than `engines.choosing.BATCH_FROM` at once."""
_CALLS = ((1, 300), (7, 100))
"""Rows of a call, and how many such calls are compared beside those of the largest: runtimes have code of their own for
one row and for few."""

Rows = npt.NDArray[np.float64]
Answer = Callable[[Rows], npt.NDArray[np.float64]]


class Proof(BaseModel):
    """refusal: why the converted model must not serve; "" if it may. onnx_sha256: of the file that was compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    refusal: str = ""
    onnx_sha256: Sha256 | None = None
    rows: int = 0
    largest_difference: float = 0.0


def sample(reference: Path, columns: tuple[str, ...]) -> Rows:
    """At most ROWS rows of the reference (Parquet), as they are, and again with a tenth of their values missing.

    Raises OSError, and ValueError for a file that is no such reference.
    """
    import pyarrow.parquet as parquet  # here only: no process that serves needs it

    table = parquet.read_table(reference, columns=list(columns))
    if not table.num_rows or table.num_columns != len(columns):
        raise ValueError(f"the reference has {table.num_rows} rows and the columns {table.column_names!r}")
    picked = np.unique(np.linspace(0, table.num_rows - 1, ROWS).astype(int))
    rows = np.column_stack([_floats(table.column(name))[picked] for name in columns])
    draw = np.random.default_rng(0)
    holed = np.where(draw.random(rows.shape) < _MISSING, np.nan, rows)
    return np.concatenate([rows, holed])


def compare(rows: Rows, original: Answer, converted: Answer, *, onnx_sha256: str) -> Proof:
    """All rows in calls as large as are served, and some of them, from all over, in smaller ones."""
    expected = original(rows)
    apart = _apart(converted, rows, expected, LARGEST_CALL)
    for size, calls in _CALLS:
        some = np.unique(np.linspace(0, len(rows) - 1, size * calls).astype(int))
        apart[some] = np.maximum(apart[some], _apart(converted, rows[some], expected[some], size))
    largest = float(np.max(apart))
    if largest <= TOLERANCE:
        return Proof(onnx_sha256=onnx_sha256, rows=len(rows), largest_difference=largest)
    wrong = int(np.sum(~(apart <= TOLERANCE)))
    return Proof(
        refusal=f"it answers {wrong} of {len(rows)} rows otherwise than XGBoost, by up to {largest:.3g}",
        rows=len(rows),
    )


def _apart(converted: Answer, rows: Rows, expected: Rows, size: int) -> Rows:
    """By how much each row's answer is another [n], where so many rows are asked about at once."""
    given = np.concatenate([converted(rows[begin : begin + size]) for begin in range(0, len(rows), size)])
    same = (given == expected) | (np.isnan(given) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        apart = np.abs(given - expected) / np.maximum(1.0, np.abs(expected))
    return np.where(same, 0.0, apart)


def _floats(column: Any) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.cast("float64").to_numpy()  # null becomes NaN
    return values
