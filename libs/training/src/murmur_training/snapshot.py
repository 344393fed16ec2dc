"""Turns what load() returned into a snapshot: checked, cut in two, the same bytes for the same rows."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import is_numeric_dtype

from murmur_events.workflows import Costs, DataSection
from murmur_training.checks import as_floats, complaints_about_shape, complaints_about_values, named_columns
from murmur_training.context import Rows
from murmur_training.errors import DataRejected
from murmur_training.spec import PinnedSnapshot
from murmur_training.splitting import Cut, cut_by_time, held_out, identity_text

TRAIN = "train.parquet"
HOLDOUT = "holdout.parquet"


@dataclass(frozen=True)
class Snapshot:
    """Both sides as frames: identity and period as text, target, features and numeric slices as float64."""

    train: pd.DataFrame
    holdout: pd.DataFrame
    periods: tuple[str, ...]
    section: DataSection

    @property
    def rows(self) -> Rows:
        """The train side as train() gets it."""
        return Rows(
            X=self.train[list(self.section.features)],
            y=self.train[self.section.target],
            identity=self.train[self.section.identity],
            period=self.train[self.section.period] if self.section.split == "time" else None,
        )

    @property
    def reference(self) -> pd.DataFrame:
        """The features of the last period: what production will be compared with.

        Of its train rows; with a split by time it is in the holdout, whose outputs are like those of production, too.
        """
        rows = self.holdout if self.section.split == "time" else self.train
        return rows.loc[rows[self.section.period] == self.periods[-1], list(self.section.features)]

    @property
    def trained_until(self) -> str | None:
        """With a split by time the last period of the train part."""
        return str(self.train[self.section.period].max()) if self.section.split == "time" else None

    @property
    def label_rate(self) -> float | None:
        """The share of positive labels in the train part; None of a regression."""
        return None if self.section.task == "regression" else float(self.train[self.section.target].mean())


def take_snapshot(loaded: Any, section: DataSection, costs: Costs | None = None) -> Snapshot:
    """Checks, sorts and cuts. The order of rows and columns that load() chose makes no difference.

    costs: of the workflow, if it says what wrong answers cost. Raises `DataRejected` with every complaint.
    """
    complaints = complaints_about_shape(loaded, section) or complaints_about_values(loaded, section, costs)
    if complaints:
        raise DataRejected(complaints)
    frame = _canonical(loaded, section)
    cut = _cut(frame, section)
    snapshot = Snapshot(
        train=frame[cut.train].reset_index(drop=True),
        holdout=frame[cut.holdout].reset_index(drop=True),
        periods=tuple(identity_text(period) for period in sorted(loaded[section.period].unique())),
        section=section,
    )
    _require_two_sides(snapshot)
    return snapshot


def write_snapshot(snapshot: Snapshot, folder: Path) -> str:
    """Writes train.parquet and holdout.parquet, and returns the snapshot's digest: sha256 over the sha256 of both.

    The same rows give the same bytes with the same pyarrow.
    """
    for name, frame in ((TRAIN, snapshot.train), (HOLDOUT, snapshot.holdout)):
        write_parquet(frame, folder / name)
    return _digest(folder)


def read_snapshot(pinned: PinnedSnapshot, section: DataSection, folder: Path) -> Snapshot:
    """An earlier snapshot from its files, which are copied to `folder` as if it had been written there.

    Raises `DataRejected` where they are not what its digest names.
    """
    for name, file in ((TRAIN, pinned.train), (HOLDOUT, pinned.holdout)):
        shutil.copyfile(file, folder / name)
    found = _digest(folder)
    if found != pinned.digest:
        raise DataRejected((f"the snapshot to train on is not {pinned.digest!r}: its files have digest {found!r}",))
    return Snapshot(
        train=pd.read_parquet(folder / TRAIN),
        holdout=pd.read_parquet(folder / HOLDOUT),
        periods=pinned.periods,
        section=section,
    )


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in (TRAIN, HOLDOUT):
        digest.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return digest.hexdigest()


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Plain columns, no index, and none of the metadata in which pandas would name its version."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, path, compression="zstd")


def _canonical(loaded: pd.DataFrame, section: DataSection) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in named_columns(section):
        if name in (section.identity, section.period):
            columns[name] = [identity_text(value) for value in loaded[name]]
        elif is_numeric_dtype(loaded[name].dtype):
            columns[name] = as_floats(loaded[name])
        else:
            columns[name] = [None if missing else str(value) for value, missing in _with_missing(loaded[name])]
    frame = pd.DataFrame(columns)
    return frame.sort_values(list(frame.columns), kind="stable", ignore_index=True)


def _cut(frame: pd.DataFrame, section: DataSection) -> Cut:
    if section.split == "time":
        return cut_by_time(frame[section.period], section.holdout, gap=section.gap)
    apart = held_out(frame[section.identity], section.holdout)
    return Cut(train=~apart, holdout=apart)


def _with_missing(column: pd.Series) -> Any:
    return zip(column, column.isna(), strict=True)


def _require_two_sides(snapshot: Snapshot) -> None:
    complaints = []
    both = "two values" if snapshot.section.task == "regression" else "both"
    for side, frame in (("train", snapshot.train), ("holdout", snapshot.holdout)):
        labels = frame[snapshot.section.target].nunique()
        if labels < 2:
            complaints.append(
                f"the {side} part has {len(frame):,} rows and {labels} label{'s' * (labels != 1)}, {both} are needed:"
                f" load more rows, or change data.holdout of {snapshot.section.holdout:g}{_gap(snapshot.section)}"
            )
    if not complaints and snapshot.reference.empty:
        complaints.append(
            f"the last period {snapshot.periods[-1]!r} has no row in the train part: load more rows of it"
        )
    if complaints:
        raise DataRejected(complaints)


def _gap(section: DataSection) -> str:
    return f" or data.gap of {section.gap} periods" if section.gap else ""
