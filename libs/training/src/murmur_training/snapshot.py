"""Turns what load() returned into a snapshot: checked, cut by identity, the same bytes for the same rows."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandas.api.types import is_numeric_dtype

from murmur_events.workflows import DataSection
from murmur_training.checks import as_floats, complaints_about_shape, complaints_about_values, named_columns
from murmur_training.context import Rows
from murmur_training.errors import DataRejected
from murmur_training.splitting import held_out, identity_text

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
        )

    @property
    def reference(self) -> pd.DataFrame:
        """The features of the last period's train rows: what production will be compared with."""
        last = self.train[self.section.period] == self.periods[-1]
        return self.train.loc[last, list(self.section.features)]

    @property
    def label_rate(self) -> float:
        return float(self.train[self.section.target].mean())


def take_snapshot(loaded: Any, section: DataSection) -> Snapshot:
    """Checks, sorts and cuts. The order of rows and columns that load() chose makes no difference.

    Raises `DataRejected` with every complaint.
    """
    complaints = complaints_about_shape(loaded, section) or complaints_about_values(loaded, section)
    if complaints:
        raise DataRejected(complaints)
    frame = _canonical(loaded, section)
    apart = held_out(frame[section.identity], section.holdout)
    snapshot = Snapshot(
        train=frame[~apart].reset_index(drop=True),
        holdout=frame[apart].reset_index(drop=True),
        periods=tuple(identity_text(period) for period in sorted(loaded[section.period].unique())),
        section=section,
    )
    _require_two_sides(snapshot)
    return snapshot


def write_snapshot(snapshot: Snapshot, folder: Path) -> str:
    """Writes train.parquet and holdout.parquet, and returns the snapshot's digest: sha256 over the sha256 of both.

    The same rows give the same bytes with the same pyarrow.
    """
    digest = hashlib.sha256()
    for name, frame in ((TRAIN, snapshot.train), (HOLDOUT, snapshot.holdout)):
        write_parquet(frame, folder / name)
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


def _with_missing(column: pd.Series) -> Any:
    return zip(column, column.isna(), strict=True)


def _require_two_sides(snapshot: Snapshot) -> None:
    complaints = []
    for side, frame in (("train", snapshot.train), ("holdout", snapshot.holdout)):
        labels = frame[snapshot.section.target].nunique()
        if labels < 2:
            complaints.append(
                f"the {side} part has {len(frame):,} rows and {labels} label{'s' * (labels != 1)}, both are needed:"
                f" load more rows, or change data.holdout of {snapshot.section.holdout:g}"
            )
    if snapshot.reference.empty:
        complaints.append(
            f"the last period {snapshot.periods[-1]!r} has no row in the train part: load more rows of it"
        )
    if complaints:
        raise DataRejected(complaints)
