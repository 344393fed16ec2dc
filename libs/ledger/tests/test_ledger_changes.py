"""Any change to an exported ledger is found, and named where it is."""

import os
import random
from pathlib import Path

import pytest
from ledger_changes import Original, any_change, read
from ledger_makers import Made, make

from murmur_ledger.export import export
from murmur_ledger.keys import public_from
from murmur_ledger.verify import verify

CHANGES = int(os.environ.get("MURMUR_LEDGER_CHANGES", "500"))
SEED = int(os.environ.get("MURMUR_LEDGER_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)


def lay(folder: Path, files: dict[str, bytes]) -> None:
    for path in folder.iterdir():
        path.unlink()
    for name, raw in files.items():
        (folder / name).write_bytes(raw)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module", params=["exported", "its own folder"])
def original(request: pytest.FixtureRequest, made: Made, tmp_path_factory: pytest.TempPathFactory) -> Original:
    """One file, and several."""
    if request.param == "its own folder":
        return read(made.path)
    target = tmp_path_factory.mktemp("exported") / "ledger"
    export(made.path, target)
    return read(target)


def test_random_changes_are_all_found_and_located(made: Made, original: Original, tmp_path: Path) -> None:
    """The seed is printed; MURMUR_LEDGER_SEED repeats it, MURMUR_LEDGER_CHANGES sets how many of each."""
    dice = random.Random(SEED)
    key = public_from(made.notary.public_key, "the notary's")
    missed, unlocated = [], []
    for number in range(CHANGES):
        change = any_change(original, dice)
        if change.files == original.files:
            continue
        lay(tmp_path, change.files)
        faults = verify(tmp_path, checkpoints=[made.kept], key=key).faults
        if not faults:
            missed.append(f"{number}: {change.what}")
        elif not change.located(faults):
            unlocated.append(f"{number}: {change.what}: {[(str(f.kind), f.where, f.file, f.detail) for f in faults]}")
    print(f"\nseed {SEED}: {CHANGES} changes, {len(missed)} not found, {len(unlocated)} not located")  # noqa: T201
    assert (missed, unlocated) == ([], []), f"seed {SEED}"


def test_what_was_not_changed_is_found_to_be_well(made: Made, original: Original, tmp_path: Path) -> None:
    """The negative control: the same files, the same way, without a change."""
    lay(tmp_path, original.files)
    report = verify(tmp_path, checkpoints=[made.kept])
    assert report.ok, report.faults
    assert report.last == original.last == report.anchored
