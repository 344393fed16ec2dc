"""An export is verified with nothing but itself; a part of one still hangs together, and hangs on a checkpoint."""

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from ledger_makers import Clock, Made, append, make, record

from murmur_ledger.checkpoints import parsed
from murmur_ledger.contents import Event, Places
from murmur_ledger.errors import BadCheckpoint, BadKey, NotALedger
from murmur_ledger.export import export, is_of, unpacked
from murmur_ledger.faults import FaultKind
from murmur_ledger.frames import chained
from murmur_ledger.keys import load_or_create
from murmur_ledger.reader import LedgerReader
from murmur_ledger.signing import Notary
from murmur_ledger.verify import verify
from murmur_ledger.writer import LedgerWriter


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"))


def otherwise(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize("name", ["copy", "copy.tar", "copy.tar.gz"])
def test_a_whole_export_verifies_by_itself(made: Made, tmp_path: Path, name: str) -> None:
    exported = export(made.path, tmp_path / name)
    with unpacked(tmp_path / name) as folder:
        report = verify(folder, checkpoints=[made.kept])
        assert "To verify it with a program of your own" in (folder / "README.md").read_text()
    assert report.ok, report.faults
    assert (report.last, report.head) == (made.kept.position, made.kept.head)
    assert (exported.entries, exported.left_out) == (report.entries, 0)


def test_a_part_from_the_middle_is_vouched_for_by_the_next_checkpoint(made: Made, tmp_path: Path) -> None:
    export(made.path, tmp_path / "part", first=20, last=25)
    report = verify(tmp_path / "part")
    assert report.ok, report.faults
    assert (report.first, report.entries - report.left_out) == (20, 6)
    assert report.anchored == report.last > 25
    stated = json.loads((tmp_path / "part" / "part.json").read_text())
    before = LedgerReader(made.path).entry(19)
    assert before is not None
    assert stated["previous"] == before.frame.hash.hex()


def test_one_chain_of_events_goes_along_whole_and_the_others_as_hashes(made: Made, tmp_path: Path) -> None:
    export(made.path, tmp_path / "chain", correlation="chain-3")
    report = verify(tmp_path / "chain")
    assert report.ok, report.faults
    told = [entry.content for entry in LedgerReader(tmp_path / "chain").entries() if entry.content]
    of_the_chain = [entry.content for entry in LedgerReader(made.path).entries() if is_of(entry, "chain-3")]
    assert told == of_the_chain != []


def test_an_entry_exchanged_in_a_part_is_located(made: Made, tmp_path: Path) -> None:
    export(made.path, tmp_path / "part", first=20, last=25)
    [segment] = (tmp_path / "part").glob("*.ledger")
    true = LedgerReader(tmp_path / "part").entry(22)
    assert true is not None
    forged = chained(22, true.frame.in_batch, true.frame.previous, otherwise(true.frame.content))
    segment.write_bytes(segment.read_bytes().replace(true.frame.packed(), forged.packed()))
    [fault] = verify(tmp_path / "part").faults
    assert (fault.kind, fault.position) == (FaultKind.CHANGED, 22)
    assert fault.topic in str(true.content)


def test_a_ledger_written_anew_is_found_by_the_signed_checkpoint(made: Made, tmp_path: Path) -> None:
    """All hashes computed anew behind a change: the chain holds, the signature does not."""
    export(made.path, tmp_path / "copy")
    frames = [entry.frame for entry in LedgerReader(made.path).entries()]
    previous, anew = frames[0].previous, b""
    for frame in frames:
        content = otherwise(frame.content) if frame.position == 30 else frame.content
        forged = chained(frame.position, frame.in_batch, previous, content)
        previous, anew = forged.hash, anew + forged.packed()
    [segment] = (tmp_path / "copy").glob("*.ledger")
    segment.write_bytes(anew)
    first = verify(tmp_path / "copy").faults[0]
    assert first.kind is FaultKind.REWRITTEN
    assert first.position <= 30 <= first.until


def test_another_ledger_signed_with_another_key_is_not_taken_for_this_one(made: Made, tmp_path: Path) -> None:
    other = make(tmp_path)
    assert verify(other.path).ok, "by itself it is well"
    kinds = {fault.kind for fault in verify(other.path, key=Ed25519PrivateKey.generate().public_key()).faults}
    assert kinds == {FaultKind.MANIFEST, FaultKind.SIGNATURE}
    assert not verify(other.path, checkpoints=[made.kept]).ok


def test_an_offset_appended_twice_is_told(tmp_path: Path) -> None:
    """By a writer that does not look: the chain holds, and yet a record is there twice."""
    once = record("run.started", 0, 5)
    with LedgerWriter(tmp_path, clock=Clock()) as writer:
        writer.append([Event(at=Clock()(), record=once), Event(at=Clock()(), record=once)])
    [fault] = verify(tmp_path).faults
    assert (fault.kind, fault.position, fault.offset) == (FaultKind.REPEATED, 3, 5)


def test_offsets_that_nobody_recorded_are_told_as_a_gap(tmp_path: Path) -> None:
    with LedgerWriter(tmp_path, clock=Clock()) as writer:
        append(writer, [record("run.started", 0, 2), record("run.started", 0, 6)], Clock()())
    report = verify(tmp_path)
    assert report.ok
    assert [(gap.topic, gap.first, gap.last) for gap in report.gaps] == [("run.started", 3, 5)]


def test_a_ledger_may_be_read_while_its_newest_entry_is_being_written(tmp_path: Path) -> None:
    with LedgerWriter(tmp_path, clock=Clock()) as writer:
        append(writer, [record("run.started", 0, 0)], Clock()())
        [segment] = writer.folder.segments()
        whole = segment.read_bytes()
        segment.write_bytes(whole + whole[:50])
        assert verify(tmp_path).ok, "somebody holds the lock: it is being written"
        assert [type(entry.content) for entry in LedgerReader(tmp_path).entries()] == [Places, Event]
    assert [fault.kind for fault in verify(tmp_path).faults] == [FaultKind.TORN]


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace('"signature":"', '"signature":" '),
        lambda line: line.upper().replace('"AT"', '"at"'),
        lambda line: re.sub('"signature":"([^"]*)"', lambda found: f'"signature":"{found[1].upper()}"', line),
        lambda line: line.replace(",", ", "),
        lambda line: line.replace('"position":', '"position":0'),
        lambda line: line + " ",
    ],
    ids=["blank in a value", "other names", "capitals in the signature", "blanks", "leading zero", "blank at the end"],
)
def test_a_checkpoint_in_another_form_is_none(made: Made, change: Callable[[str], str]) -> None:
    """The same signature would fit: yet no character of the file may change unseen."""
    assert parsed(made.kept.line()) == made.kept
    with pytest.raises(BadCheckpoint):
        parsed(change(made.kept.line()))


def test_the_signing_key_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key.pem"
    load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(BadKey, match="others may read it"):
        load_or_create(path)


def test_a_ledger_keeps_the_key_that_it_was_signed_with(made: Made, tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="another key"):
        Notary(LedgerWriter(made.path, clock=Clock()).folder, tmp_path / "another.pem")


def test_what_is_no_ledger_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotALedger, match=r"no ledger\.json"):
        verify(tmp_path)
    (tmp_path / "text.tar").write_text("no tar")
    with pytest.raises(NotALedger, match="neither a folder nor a tar file"), unpacked(tmp_path / "text.tar"):
        pass
