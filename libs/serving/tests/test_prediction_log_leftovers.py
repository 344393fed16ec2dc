"""What dead replicas left behind: shipped beside one's own rows, never instead of them, and never deleted unread."""

import asyncio
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from log_fixtures import NOON, ORIGIN, append, eventually, numbered

from murmur_serving.predictionlog import Rows
from murmur_serving.predictionlog.backlog import Backlog
from murmur_serving.predictionlog.blocks import pack
from murmur_serving.predictionlog.segments import LogDirectory, leftovers


def left_behind(parent: Path, *request_ids: str, content: bytes | None = None) -> Path:
    """A dead replica's directory. content: of its only segment, in the place of the rows."""
    directory = LogDirectory.create(parent, ORIGIN)
    path = directory.path
    directory.release()
    (path / "000001.rows").write_bytes(content if content is not None else b"".join(map(_block, request_ids)))
    return path


def _block(request_id: str) -> bytes:
    rows = {"features": np.ones((1, 2)), "outputs": [0.5]}
    return pack(Rows.of_request(request_id, 0.001), NOON, status=200, batch=False, most_rows=9, **rows)


@pytest.mark.parametrize("file", ["origin.json", "position.json"])
async def test_a_leftover_that_cannot_be_read_holds_up_nothing(open_log, sink, tmp_path: Path, file: str) -> None:
    """A power cut may leave a file empty."""
    bad = left_behind(tmp_path, "r-bad")
    (bad / file).write_bytes(b"")
    left_behind(tmp_path, "r-good")
    append(open_log(), "r-mine")
    await eventually(lambda: {"r-good", "r-mine"} <= set(sink.request_ids))
    assert ("r-bad" in sink.request_ids) == (file == "position.json")
    assert bad.exists() == (file == "origin.json")


async def test_a_leftover_that_the_disk_does_not_give_holds_up_nothing(open_log, sink, tmp_path: Path) -> None:
    bad = left_behind(tmp_path, "r-bad")
    (bad / "position.json").mkdir()
    append(open_log(), "r-mine")
    await eventually(lambda: "r-mine" in sink.request_ids)
    (bad / "position.json").rmdir()
    append(open_log(), "r-later")
    await eventually(lambda: "r-bad" in sink.request_ids)


async def test_a_segment_that_cannot_be_read_is_kept(open_log, sink, tmp_path: Path) -> None:
    """Such as one of another release: whoever knows how to read it finds it."""
    lines = b'["r-old","2025-12-01T12:00:00+00:00",1.5,200,[1.0,null],0.25]\n' * 20_000
    old = left_behind(tmp_path, content=lines)
    (old / "000002.rows").write_bytes(_block("r-behind"))
    append(open_log(), "r-mine")
    await eventually(lambda: {"r-behind", "r-mine"} <= set(sink.request_ids))
    await eventually(lambda: not old.exists())
    [kept] = tmp_path.glob(".damaged-*/000001.rows")
    assert kept.read_bytes() == lines


async def test_a_damaged_segment_outlives_the_process_that_has_found_it(open_log, sink, tmp_path: Path) -> None:
    garbled = _block("r-1") + b"\xff" * 40
    old = left_behind(tmp_path, content=garbled)
    (old / "000002.rows").write_bytes(_block("r-2"))
    taken = LogDirectory.take_over(old)
    assert taken is not None
    with closing(Backlog(taken)) as killed:
        for _ in range(2):
            batch = killed.next_batch()
            assert batch is not None
            killed.shipped(batch)
    taken.release()
    append(open_log(), "r-mine")
    await eventually(lambda: not old.exists())
    [kept] = tmp_path.glob(".damaged-*/000001.rows")
    assert kept.read_bytes() == garbled


async def test_leftovers_are_shipped_while_rows_never_stop_coming(open_log, sink, tmp_path: Path) -> None:
    log = open_log()
    append(log, "first")
    await eventually(lambda: bool(sink.records))
    left_behind(tmp_path, "r-left")
    async with asyncio.timeout(5):
        while "r-left" not in sink.request_ids:
            append(log, *numbered(50))
            await asyncio.sleep(0)


async def test_half_deleted_directories_are_not_shipped_again(open_log, sink, tmp_path: Path) -> None:
    shipped = left_behind(tmp_path, "r-shipped")
    shipped.rename(tmp_path / f".shipped-{shipped.name}")  # killed before it was all deleted
    append(open_log(), "r-mine")
    await eventually(lambda: bool(sink.records))
    assert sink.request_ids == ["r-mine"]
    assert not list(tmp_path.glob(".shipped-*"))


TORN = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from log_fixtures import ORIGIN
from test_prediction_log_leftovers import _block
from murmur_serving.errors import LogUnwritable
from murmur_serving.predictionlog.segments import LogDirectory, SegmentWriter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = SegmentWriter(LogDirectory.create(Path({logs!r}), ORIGIN))
block = _block("r-0")
resource.setrlimit(resource.RLIMIT_FSIZE, (len(block) * 5 // 2, resource.RLIM_INFINITY))
for number in range(3):
    try:
        writer.append(_block(f"r-{{number}}"))
        print("written")
    except LogUnwritable:
        print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.append(_block("r-3"))
"""


async def test_a_block_for_which_there_is_half_the_room_is_not_there_at_all(open_log, sink, tmp_path: Path) -> None:
    program = TORN.format(tests=str(Path(__file__).parent), logs=str(tmp_path))
    run = [sys.executable, "-W", "ignore", "-c", program]
    ended = await asyncio.to_thread(subprocess.run, run, check=True, capture_output=True, text=True)
    assert ended.stdout.split() == ["written", "written", "refused"]
    open_log()
    await eventually(lambda: len(leftovers(tmp_path)) == 1)
    assert sink.request_ids == ["r-0", "r-1", "r-3"]
    assert not list(tmp_path.glob(".damaged-*"))
