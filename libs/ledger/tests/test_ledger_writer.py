"""Appending: what was acknowledged stays, what was not is there whole or not at all, nothing is there twice."""

import os
import resource
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from ledger_makers import Clock, append, make, record, records

from murmur_ledger.batching import contents_of
from murmur_ledger.checkpoints import Checkpoint
from murmur_ledger.contents import Digest, Event, Place
from murmur_ledger.errors import LedgerBusy, LedgerDamaged, LedgerFailed
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.reader import LedgerReader
from murmur_ledger.signing import Notary
from murmur_ledger.verify import verify
from murmur_ledger.writer import LedgerWriter

APPENDER = Path(__file__).with_name("ledger_appender.py")


def offsets(path: Path) -> list[tuple[str, int, int]]:
    """Every record that the ledger holds, digests opened."""
    found = []
    for entry in LedgerReader(path).entries():
        match entry.content:
            case Event(record=one):
                found.append((one.topic, one.partition, one.offset))
            case Digest(place=place, first=first, last=last):
                found += [(place.topic, place.partition, offset) for offset in range(first, last + 1)]
    return found


def test_a_tail_torn_anywhere_is_cut_and_the_chain_goes_on(tmp_path: Path) -> None:
    """kill -9 in mid-append, at every byte of the last batch."""
    made = make(tmp_path, batches=2, batch=3, segment_bytes=10**6, sign_every=9)
    (tmp_path / "ledger" / "checkpoints.jsonl").unlink()
    [segment] = LedgerFolder(made.path).segments()
    whole, before = segment.read_bytes(), offsets(made.path)
    batch = [record("run.started", 0, 90), record("run.started", 1, 91)]
    with LedgerWriter(made.path, clock=Clock()) as writer:
        append(writer, batch, Clock()())
    longer = segment.read_bytes()
    for size in range(len(whole), len(longer)):
        segment.write_bytes(longer[:size])
        with LedgerWriter(made.path, clock=Clock()) as writer:
            append(writer, batch, Clock()())
        assert sorted(offsets(made.path)) == sorted([*before, ("run.started", 0, 90), ("run.started", 1, 91)])
        assert verify(made.path).ok


def test_a_file_that_was_only_begun_is_removed(tmp_path: Path) -> None:
    made = make(tmp_path)
    begun = LedgerFolder(made.path).segment(made.kept.position + 1)
    begun.write_bytes(LedgerFolder(made.path).segments()[0].read_bytes()[:50])
    with LedgerWriter(made.path, clock=Clock()) as writer:
        assert (writer.head.position, writer.cut) == (made.kept.position, 50)
    assert not begun.exists()
    assert verify(made.path).ok


def test_pages_of_one_batch_that_came_to_the_disk_in_another_order_are_cut(tmp_path: Path) -> None:
    """A loss of power before the sync: the end of the batch is there, its beginning is zeroes."""
    path = tmp_path / "ledger"
    with LedgerWriter(path, clock=Clock()) as writer:
        append(writer, [record("run.started", 0, 0)], Clock()())
        size = LedgerFolder(path).segments()[0].stat().st_size
        append(writer, [record("run.started", 0, offset) for offset in (1, 2, 3)], Clock()())
    [segment] = LedgerFolder(path).segments()
    raw = bytearray(segment.read_bytes())
    raw[size : size + 200] = bytes(200)
    segment.write_bytes(bytes(raw))
    with LedgerWriter(path, clock=Clock()) as writer:
        assert writer.places == {Place("run.started", 0): 0}
        append(writer, [record("run.started", 0, offset) for offset in (1, 2, 3)], Clock()())
    assert verify(path).ok


def test_damage_before_the_last_batch_is_no_torn_tail(tmp_path: Path) -> None:
    """What was synced is not cut: the ledger stays as it is, and the writer does not start."""
    path = tmp_path / "ledger"
    with LedgerWriter(path, clock=Clock()) as writer:
        for offset in range(3):
            append(writer, [record("run.started", 0, offset)], Clock()())
    [segment] = LedgerFolder(path).segments()
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(bytes(raw))
    with pytest.raises(LedgerDamaged, match="is not intact"):
        LedgerWriter(path, clock=Clock())
    assert segment.read_bytes() == bytes(raw)


def test_a_ledger_that_ends_before_its_own_checkpoint_is_not_continued(tmp_path: Path) -> None:
    made = make(tmp_path)
    segment = LedgerFolder(made.path).segments()[-1]
    os.truncate(segment, segment.stat().st_size - 10)
    with pytest.raises(LedgerDamaged, match="a checkpoint says"):
        LedgerWriter(made.path, clock=Clock())


def test_a_redelivered_record_is_not_appended_again(tmp_path: Path) -> None:
    path, source = tmp_path / "ledger", records()
    batch = [next(source) for _ in range(40)]
    with LedgerWriter(path, clock=Clock(), segment_bytes=3_000) as writer:
        append(writer, batch[:20], Clock()())
        append(writer, batch[10:30], Clock()())
    with LedgerWriter(path, clock=Clock(), segment_bytes=3_000) as writer:
        append(writer, batch, Clock()())
    assert sorted(offsets(path)) == sorted((one.topic, one.partition, one.offset) for one in batch)
    assert verify(path).ok


def test_a_partition_that_was_silent_since_an_earlier_file_is_still_known_at_a_start(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with LedgerWriter(path, clock=Clock(), segment_bytes=500) as writer:
        for topic in ("a.silent", "b.loud", "b.loud", "b.loud"):
            append(writer, [record(topic, 0, writer.places.get(Place(topic, 0), -1) + 1, value=bytes(400))], Clock()())
    assert len(LedgerFolder(path).segments()) > 1
    with LedgerWriter(path, clock=Clock(), segment_bytes=500) as writer:
        assert append(writer, [record("a.silent", 0, 0, value=bytes(400))], Clock()()) == 0


def test_a_batch_counts_as_appended_only_once_all_of_it_is_synced(tmp_path: Path) -> None:
    synced: list[int] = []

    def sync(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)

    with LedgerWriter(tmp_path, clock=Clock(), sync=sync) as writer:
        for offset in range(3):
            append(writer, [record("run.started", 0, offset)], Clock()())
            assert synced[offset:] == [LedgerFolder(tmp_path).segments()[0].stat().st_size]


def test_after_a_sync_that_failed_the_ledger_must_be_opened_anew(tmp_path: Path) -> None:
    def sync(handle: int) -> None:
        raise OSError("the disk is gone")

    with LedgerWriter(tmp_path, clock=Clock(), sync=sync) as writer:
        with pytest.raises(LedgerFailed, match="the sync failed") as failed:
            append(writer, [record("run.started", 0, 0)], Clock()())
        assert failed.value.reopen
        assert writer.places == {}


def test_records_of_one_read_that_repeat_each_other_are_taken_once() -> None:
    once = record("run.started", 0, 5)
    assert len(contents_of([once, once], {}, digested=(), at=Clock()())) == 1


def test_two_writers_are_one_too_many(tmp_path: Path) -> None:
    with LedgerWriter(tmp_path, clock=Clock()), pytest.raises(LedgerBusy, match="one writer a ledger"):
        LedgerWriter(tmp_path, clock=Clock())
    LedgerWriter(tmp_path, clock=Clock()).close()


def test_a_full_disk_takes_nothing_of_the_batch_and_the_next_one_follows(tmp_path: Path) -> None:
    """The limit on the size of a file stands for the disk: a write comes back short, then fails."""
    path = tmp_path / "ledger"
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with LedgerWriter(path, clock=Clock()) as writer:
        append(writer, [record("run.started", 0, 0)], Clock()())
        size = LedgerFolder(path).segments()[0].stat().st_size
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, limits[1]))
            with pytest.raises(LedgerFailed):
                append(writer, [record("run.started", 0, 1, value=bytes(500))], Clock()())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        assert LedgerFolder(path).segments()[0].stat().st_size == size
        append(writer, [record("run.started", 0, 1)], Clock()())
    assert offsets(path) == [("run.started", 0, 0), ("run.started", 0, 1)]
    assert verify(path).ok


@pytest.mark.parametrize("times", [4])
def test_kill_9_while_it_appends_loses_nothing_acknowledged_and_doubles_nothing(tmp_path: Path, times: int) -> None:
    """The appender starts each time at the offset after the last one that it had acknowledged to itself."""
    path, acknowledged = tmp_path / "ledger", tmp_path / "acknowledged"
    acknowledged.touch()
    for _ in range(times):
        size = acknowledged.stat().st_size
        with subprocess.Popen([sys.executable, str(APPENDER), str(path), str(acknowledged)]) as process:
            deadline = time.monotonic() + 30
            while acknowledged.stat().st_size < size + 200 and time.monotonic() < deadline:
                os.sched_yield()
            process.send_signal(signal.SIGKILL)
    LedgerWriter(path, clock=Clock()).close()  # it cuts what the last kill has torn
    report = verify(path)
    assert report.ok, report.faults
    held = [offset for _, _, offset in offsets(path)]
    assert held == list(range(len(held)))
    assert len(held) >= int(acknowledged.read_text().split()[-1]) > 100


def test_a_checkpoint_torn_anywhere_is_cut_and_the_next_one_stands_alone(tmp_path: Path) -> None:
    """kill -9 in mid-signing, at every byte of the line."""
    made = make(tmp_path, sign_every=3)
    file = LedgerFolder(made.path).checkpoints
    whole = file.read_bytes()
    [*before, last] = whole.splitlines(keepends=True)
    for size in range(1, len(last)):
        file.write_bytes(b"".join(before) + last[:size])
        with LedgerWriter(made.path, clock=Clock()) as writer:
            assert writer.cut == size
            notary = Notary(writer.folder, tmp_path / "secrets" / "key.pem")
            known = notary.known()
            at = datetime.fromisoformat(made.kept.at)
            again = notary.sign(ledger=writer.genesis, position=writer.head.position, head=writer.head.hash, at=at)
            assert notary.known() == [*known, again]
        assert file.read_bytes() == whole


def test_a_full_disk_takes_nothing_of_a_checkpoint_and_the_next_one_follows(tmp_path: Path) -> None:
    """As with a batch: a write comes back short, then fails."""
    made = make(tmp_path)
    file = LedgerFolder(made.path).checkpoints
    whole = file.read_bytes()
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with LedgerWriter(made.path, clock=Clock()) as writer:

        def sign() -> Checkpoint:
            head = writer.head
            return made.notary.sign(ledger=writer.genesis, position=head.position, head=head.hash, at=Clock()())

        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 100, limits[1]))
            with pytest.raises(LedgerFailed, match="no checkpoint") as failed:
                sign()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, before)
        assert not failed.value.reopen
        assert file.read_bytes() == whole
        assert made.notary.known()[-1] != sign() == made.notary.known()[-1]
    assert verify(made.path).ok
