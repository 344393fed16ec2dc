"""A snapshot that was kept is what it was, so that a training can be repeated on it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murmur_events.values import ColumnSpec, Signature
from murmur_events.workflows import DataSection
from murmur_training.errors import DataRejected
from murmur_training.snapshot import HOLDOUT, TRAIN, read_snapshot, take_snapshot, write_snapshot
from murmur_training.spec import PinnedSnapshot

SIGNATURE = Signature(inputs=(ColumnSpec(name="amount"),))


def pinned(folder: Path, digest: str) -> PinnedSnapshot:
    return PinnedSnapshot(
        train=folder / TRAIN, holdout=folder / HOLDOUT, digest=digest, periods=("2005Q2", "2005Q3"), signature=SIGNATURE
    )


@pytest.mark.parametrize("gaps", [False, True])
def test_a_kept_snapshot_is_read_as_it_was_taken(
    rows: pd.DataFrame, section: DataSection, tmp_path: Path, gaps: bool
) -> None:
    if gaps:
        rows.loc[3, "sex"] = None
        rows.loc[5, "amount"] = np.nan
    taken = take_snapshot(rows, section)
    (tmp_path / "kept").mkdir()
    (tmp_path / "work").mkdir()
    digest = write_snapshot(taken, tmp_path / "kept")
    read = read_snapshot(pinned(tmp_path / "kept", digest), section, tmp_path / "work")
    pd.testing.assert_frame_equal(read.train, taken.train)
    pd.testing.assert_frame_equal(read.holdout, taken.holdout)
    pd.testing.assert_frame_equal(read.reference, taken.reference)
    assert (tmp_path / "work" / TRAIN).read_bytes() == (tmp_path / "kept" / TRAIN).read_bytes()


def test_a_kept_snapshot_that_is_another_one_is_refused(
    rows: pd.DataFrame, section: DataSection, tmp_path: Path
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "work").mkdir()
    write_snapshot(take_snapshot(rows, section), tmp_path / "kept")
    with pytest.raises(DataRejected, match="is not 'ffff"):
        read_snapshot(pinned(tmp_path / "kept", "f" * 64), section, tmp_path / "work")
