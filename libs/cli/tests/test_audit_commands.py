"""`murmur audit` and `murmur rebuild` as people and scripts use them, with no service running."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from murmur_cli.main import app
from murmur_ledger.batching import contents_of
from murmur_ledger.contents import Record
from murmur_ledger.folder import LedgerFolder
from murmur_ledger.signing import Notary
from murmur_ledger.writer import LedgerWriter

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def record(offset: int) -> Record:
    headers = (("ce_id", b"e-%d" % offset), ("ce_correlationid", b"chain-%d" % (offset % 2)))
    return Record("run.started", 0, offset, b"r-%d" % offset, headers, b"{}")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A flock's home whose ledger has nine entries and a checkpoint."""
    monkeypatch.setenv("MURMUR_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with LedgerWriter(tmp_path / "ledger", clock=lambda: NOON) as writer:
        writer.append(contents_of(map(record, range(8)), {}, digested=(), at=NOON))
        notary = Notary(LedgerFolder(tmp_path / "ledger"), tmp_path / "secrets" / "key.pem")
        made = notary.sign(ledger=writer.genesis, position=writer.head.position, head=writer.head.hash, at=NOON)
    kept = {"checkpoint": json.loads(made.line()), "public_key": notary.public_key.decode()}
    (tmp_path / "kept.json").write_text(json.dumps(kept))
    return tmp_path


def murmur(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_ledger_that_is_well_is_ok_and_signed_up_to_its_end(home: Path) -> None:
    done = murmur("audit", "verify", "--json", "--checkpoint", home / "kept.json", "--key", home / "kept.json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["ok"], report["events"], report["anchored"]) == (True, 8, 9)


def test_a_changed_ledger_ends_with_1_and_a_table_of_faults(home: Path) -> None:
    [segment] = (home / "ledger").glob("*.ledger")
    segment.write_bytes(segment.read_bytes().replace(b"r-3", b"r-9"))
    done = murmur("audit", "verify")
    assert done.exit_code == 1
    [row] = [line for line in done.stdout.splitlines() if line.startswith("changed")]
    assert row.split()[:5] == ["changed", "5", "run.started", "0", "3"]


def test_a_cut_tail_is_found_with_the_checkpoint_kept_elsewhere_alone(home: Path) -> None:
    murmur("audit", "export", home / "copy", "--from", "1", "--to", "5")
    murmur("audit", "export", home / "whole")
    whole, part = home / "whole", home / "copy"
    [segment] = whole.glob("*.ledger")
    shorter = next(part.glob("*.ledger")).read_bytes()
    segment.write_bytes(shorter[: shorter.index(b"MLS1")])
    (whole / "checkpoints.jsonl").unlink()
    assert murmur("audit", "verify", whole).exit_code == 0, "the negative control: nothing says that more was there"
    done = murmur("audit", "verify", whole, "--checkpoint", home / "kept.json", "--json")
    assert done.exit_code == 1
    assert [(one["kind"], one["position"], one["until"]) for one in json.loads(done.stdout)["faults"]] == [
        ("truncated", 6, 9)
    ]


def test_one_chain_is_shown_and_exported_and_the_export_verifies(home: Path) -> None:
    shown = json.loads(murmur("audit", "show", "--correlation", "chain-1", "--json").stdout)
    assert [row["event_id"] for row in shown] == ["e-1", "e-3", "e-5", "e-7"]
    target = home / "chain.tar.gz"
    exported = json.loads(murmur("audit", "export", target, "--correlation", "chain-1", "--json").stdout)
    assert (exported["entries"], exported["left_out"]) == (4, 3)
    assert murmur("audit", "verify", target, "--checkpoint", home / "kept.json").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("verify", "nowhere"), "there is no ledger at 'nowhere'"),
        (("verify", "--checkpoint", "nothing.json"), "holds no checkpoint"),
        (("verify", "--key", "nothing.pem"), "no public key in"),
        (("export", "."), "an export goes into a new folder or file"),
        (("export", "new", "--correlation", "unheard"), "no entry of correlation 'unheard'"),
    ],
)
def test_what_cannot_be_done_is_wrong_usage_and_says_why(home: Path, arguments: tuple[str, ...], words: str) -> None:
    done = murmur("audit", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert not (home / "new").exists()


def test_a_checkpoint_cannot_be_made_while_no_flock_is_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MURMUR_PORT", "1024")
    assert murmur("audit", "checkpoint", home / "new.json").exit_code == 3


def test_nothing_is_rebuilt_from_a_ledger_that_was_changed(home: Path) -> None:
    [segment] = (home / "ledger").glob("*.ledger")
    segment.write_bytes(segment.read_bytes().replace(b"r-3", b"r-9"))
    done = murmur("rebuild", "tracking")
    assert (done.exit_code, "is not what was appended: changed at 5" in done.stderr) == (2, True)


def test_a_store_of_projections_alone_takes_no_deciding_services_place(home: Path) -> None:
    done = murmur("rebuild", "registry", "--swap")
    assert (done.exit_code, "registry also decides" in done.stderr) == (2, True)
