"""A file of labels, as `murmur feedback` reads it: columns request_id and label, and time where it is known."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from murmur_cli.shell import Unusable

_COLUMNS = "request_id and label (and, if known, time)"


@dataclass(frozen=True)
class LabelsFile:
    """digest: of the file's bytes, so that sending the same file again says nothing twice."""

    rows: list[dict[str, Any]]
    digest: str

    def portions(self, size: int) -> Iterator[tuple[int, list[dict[str, Any]]]]:
        for begin in range(0, len(self.rows), size):
            yield begin // size, self.rows[begin : begin + size]


def read_labels(path: Path) -> LabelsFile:
    """Raises Unusable for a file that cannot be read, and for labels that say nothing or contradict each other."""
    import pyarrow as pa  # a tenth of a second: only this command needs it

    try:
        content = path.read_bytes()
        table = _table(path, content)
        missing = [name for name in ("request_id", "label") if name not in table.column_names]
        if missing:
            raise Unusable(
                f"{path} has no column {missing[0]!r}: it has {table.column_names!r}",
                advice=f"name the columns {_COLUMNS}",
            )
        names = table["request_id"].cast(pa.string()).to_pylist()
        labels = table["label"].cast(pa.float64()).to_pylist()
        times = table["time"].to_pylist() if "time" in table.column_names else None
    except (OSError, pa.ArrowException) as error:
        raise Unusable(
            f"{path} cannot be read: {error}", advice=f"give a .csv or .parquet file with {_COLUMNS}"
        ) from None
    _check(path, names, labels)
    rows = [{"request_id": name, "label": label} for name, label in zip(names, labels, strict=True)]
    for row, time in zip(rows, times or (), strict=False):
        if time:
            row["time"] = time if isinstance(time, str) else time.isoformat()
    return LabelsFile(rows, sha256(content).hexdigest())


def _table(path: Path, content: bytes) -> Any:
    import pyarrow as pa
    from pyarrow import csv, parquet

    match path.suffix.lower():
        case ".parquet":
            return parquet.read_table(pa.BufferReader(content))
        case ".csv":
            types = {"request_id": pa.string(), "label": pa.float64(), "time": pa.string()}
            return csv.read_csv(pa.BufferReader(content), convert_options=csv.ConvertOptions(column_types=types))
    raise Unusable(f"{path} is neither .csv nor .parquet", advice=f"give such a file with the columns {_COLUMNS}")


def _check(path: Path, names: list[str | None], labels: list[float | None]) -> None:
    if not names:
        raise Unusable(f"{path} has no rows", advice="leave it until there are labels")
    known: dict[str, float] = {}
    for number, (name, label) in enumerate(zip(names, labels, strict=True), start=1):
        if not name:
            raise Unusable(f"{path} row {number}: request_id {name!r} names no request", advice="leave the row out")
        if label is None or label != label:
            raise Unusable(
                f"{path} row {number}: label {label!r} of request {name!r} is no number",
                advice="leave the row out until its label is known",
            )
        if known.setdefault(name, label) != label:
            raise Unusable(
                f"{path} row {number}: request {name!r} has the labels {known[name]!r} and {label!r}",
                advice="keep one of them; a correction goes in a later file",
            )
