"""Files of rows: cut into chunks wherever their writer cut them, and never in memory as a whole."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from murmur_deployer.batches.chunks import Scored
from murmur_deployer.batches.errors import InputUnusable
from murmur_deployer.batches.rows import InputFile, csv_of_parquet, join_parts, parquet_of_csv, write_part
from murmur_deployer.batches.testing import parquet_bytes

COUNT = 20_000


@pytest.mark.parametrize("group_rows", [1, 999, 8192, COUNT])
@pytest.mark.parametrize("skip", [0, 7, 8192, 19_999])
def test_chunks_do_not_depend_on_the_files_own_cuts(tmp_path: Path, group_rows: int, skip: int) -> None:
    count = 300 if group_rows == 1 else COUNT
    skip = min(skip, count - 1)
    path = tmp_path / "input.parquet"
    path.write_bytes(parquet_bytes({"b": list(range(count)), "a": [0.5] * count}, group_rows=group_rows))
    with InputFile(path) as file:
        chunks = list(file.chunks(("a", "b"), 4100, skip=skip))
    assert [len(chunk) for chunk in chunks[:-1]] == [4100] * (len(chunks) - 1)
    assert np.array_equal(np.concatenate(chunks)[:, 1], np.arange(skip, count))
    assert all((chunk[:, 0] == 0.5).all() for chunk in chunks)


def test_a_file_larger_than_memory_would_be_read_all_the_same(tmp_path: Path) -> None:
    """80 MB of values in one row group, of which a few are held at a time."""
    count, columns = 1_000_000, 10
    draw = np.random.default_rng(1)
    path = tmp_path / "input.parquet"
    table = pa.table({f"c{column}": draw.normal(size=count) for column in range(columns)})
    parquet.write_table(table, path, row_group_size=count)
    del table
    names = [f"c{column}" for column in range(columns)]
    before, highest, seen = pa.total_allocated_bytes(), 0, 0
    with InputFile(path) as file:
        for chunk in file.chunks(names, 10_000):
            highest = max(highest, pa.total_allocated_bytes() - before)
            seen += len(chunk)
    assert (seen, highest < 40 * 2**20) == (count, True), highest


@pytest.mark.parametrize(
    ("values", "numeric"),
    [
        (pa.array([1, 2], pa.int8()), True),
        (pa.array([1.5, None], pa.float32()), True),
        (pa.array([1.5, 2.0], pa.float16()), True),
        (pa.array([Decimal("1.5"), None]), True),
        (pa.array([None, None]), True),
        (pa.array([3.0, 4.0]).dictionary_encode(), True),
        (pa.array(["a", "b"]).dictionary_encode(), False),
        (pa.array([True, False]), False),
        (pa.array([[1.0], [2.0]]), False),
        (pa.array([0, 1], pa.timestamp("s")), False),
    ],
)
def test_what_can_be_a_number_is_one(tmp_path: Path, values: pa.Array, numeric: bool) -> None:
    parquet.write_table(pa.table({"x": values}), tmp_path / "input.parquet")
    with InputFile(tmp_path / "input.parquet") as file:
        assert [column.numeric for column in file.columns] == [numeric]
        if numeric:
            [chunk] = file.chunks(("x",), 10)
            assert chunk.shape == (2, 1)


def test_a_number_that_no_fp64_holds_is_named_with_its_column(tmp_path: Path) -> None:
    (tmp_path / "input.parquet").write_bytes(parquet_bytes({"id": [2**53 + 1]}))
    with InputFile(tmp_path / "input.parquet") as file, pytest.raises(InputUnusable, match="column 'id'"):
        list(file.chunks(("id",), 10))


def test_a_damaged_file_is_said_to_be(tmp_path: Path) -> None:
    content = bytearray(parquet_bytes({"x": list(range(50_000))}))
    content[200:4000] = bytes(3800)
    (tmp_path / "input.parquet").write_bytes(content)
    with InputFile(tmp_path / "input.parquet") as file, pytest.raises(InputUnusable, match="cannot be read"):
        list(file.chunks(("x",), 1000))


def test_parts_make_the_same_file_whoever_wrote_them(tmp_path: Path) -> None:
    scored = (Scored([0.5, None], [None, "no"]), Scored([1e-9], [None]))
    for life in ("first", "second"):
        (tmp_path / life).mkdir()
        parts = [tmp_path / life / str(number) for number in range(2)]
        write_part(parts[0], 0, scored[0], "probability")
        write_part(parts[1], 2, scored[1], "probability")
        join_parts(parts, tmp_path / f"{life}.parquet")
    assert (tmp_path / "first.parquet").read_bytes() == (tmp_path / "second.parquet").read_bytes()
    assert parquet.read_table(tmp_path / "first.parquet").to_pydict() == {
        "row": [0, 1, 2],
        "probability": [0.5, None, 1e-9],
        "error": [None, "no", None],
    }


def test_csv_comes_and_goes(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("limit,age\n1.5,20\n,30\n")
    parquet_of_csv(tmp_path / "in.csv", tmp_path / "in.parquet")
    assert parquet.read_table(tmp_path / "in.parquet").to_pydict() == {"limit": [1.5, None], "age": [20, 30]}
    csv_of_parquet(tmp_path / "in.parquet", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == '"limit","age"\n1.5,20\n,30\n'
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n1,2,3\n")
    with pytest.raises(InputUnusable, match="no CSV table"):
        parquet_of_csv(tmp_path / "odd.csv", tmp_path / "odd.parquet")
