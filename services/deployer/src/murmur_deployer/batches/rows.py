"""A file of rows as chunks of numbers, and the parts of an output: Parquet, piece by piece, never as a whole."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.parquet as parquet

from murmur_deployer.batches.chunks import Scored
from murmur_deployer.batches.errors import InputUnusable
from murmur_deployer.batches.ports import Matrix
from murmur_deployer.disks import room_for
from murmur_deployer.domain.batch_input import Column

_READ_ROWS = 8192
_BUFFER = 2**20
"""Bytes that are read at once of each column; without it a row group would be read whole, however large."""


class InputFile:
    """A Parquet file of this machine's disk. Raises InputUnusable."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = parquet.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
            schema = self._file.schema_arrow
        except (pa.ArrowException, OSError) as error:
            raise InputUnusable("input_unreadable", f"the input is no Parquet file: {_first_line(error)}") from error
        self.columns = tuple(Column(field.name, str(field.type), _numeric(field.type)) for field in schema)
        self.rows = int(self._file.metadata.num_rows)
        if not self.rows:
            raise InputUnusable("no_rows", "the input has no rows: there is nothing to score")

    def __enter__(self) -> "InputFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def chunks(self, names: Sequence[str], size: int, *, skip: int = 0) -> Iterator[Matrix]:
        """Rows of these columns, in this order, after the first `skip`: `size` at a time, the last ones fewer.

        Where the file cuts its row groups changes nothing. Raises InputUnusable.
        """
        held: list[Matrix] = []
        missing = size
        for matrix in self._matrices(names, skip):
            rest = matrix
            while len(rest):
                held.append(rest[:missing])
                rest = rest[missing:]
                missing -= len(held[-1])
                if not missing:
                    yield np.concatenate(held)
                    held, missing = [], size
        if held:
            yield np.concatenate(held)

    def _matrices(self, names: Sequence[str], skip: int) -> Iterator[Matrix]:
        groups = list(range(self._file.num_row_groups))
        while groups and (rows := self._file.metadata.row_group(groups[0]).num_rows) <= skip:
            groups.pop(0)
            skip -= rows
        try:
            for batch in self._file.iter_batches(_READ_ROWS, row_groups=groups, columns=list(names)):
                if skip < batch.num_rows:
                    yield _matrix(batch.slice(skip), names)
                skip = max(0, skip - batch.num_rows)
        except (pa.ArrowException, OSError) as error:
            raise InputUnusable("input_unreadable", f"the input cannot be read: {_first_line(error)}") from error


def write_part(path: Path, first_row: int, scored: Scored, output: str) -> None:
    """output: what the model calls what it says. The same rows make the same bytes."""
    table = pa.table(
        {
            "row": pa.array(range(first_row, first_row + len(scored.outputs)), pa.int64()),
            output: pa.array(scored.outputs, pa.float64()),
            "error": pa.array(scored.errors, pa.string()),
        }
    )
    parquet.write_table(table, path)


def join_parts(parts: Sequence[Path], to: Path) -> None:
    """All rows of all parts, in their order, one row group a part."""
    with parquet.ParquetWriter(to, parquet.read_schema(parts[0])) as writer:
        for part in parts:
            writer.write_table(parquet.read_table(part))


def parquet_of_csv(path: Path, to: Path) -> None:
    """Types are those of the first mebibyte; empty is missing. Raises InputUnusable, NoSpace."""
    try:
        with (
            room_for("the table of a CSV file"),
            csv.open_csv(path) as reader,
            parquet.ParquetWriter(to, reader.schema) as writer,
        ):
            for batch in reader:
                writer.write_batch(batch)
    except (pa.ArrowException, OSError) as error:
        raise InputUnusable("input_unreadable", f"the input is no CSV table: {_first_line(error)}") from error


def csv_of_parquet(path: Path, to: Path) -> None:
    """Raises NoSpace."""
    with (
        room_for("an output as CSV"),
        parquet.ParquetFile(path) as file,
        csv.CSVWriter(to, file.schema_arrow) as writer,
    ):
        for batch in file.iter_batches(_READ_ROWS):
            writer.write_batch(batch)


def _matrix(batch: pa.RecordBatch, names: Sequence[str]) -> Matrix:
    return np.column_stack([_numbers(batch.column(name), name) for name in names])


def _numbers(values: pa.Array, name: str) -> Matrix:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    try:
        numbers: Matrix = values.cast(pa.float64()).to_numpy(zero_copy_only=False)  # null becomes NaN
    except pa.ArrowInvalid as error:
        raise InputUnusable("columns_differ", f"column {name!r}: {_first_line(error)}") from error
    return numbers


def _numeric(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [repr(error)])[0]
