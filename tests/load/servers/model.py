"""The model that all servers serve: made here, of given width and number of trees."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import xgboost

from murmur_events.values import ColumnSpec, Signature


@dataclass(frozen=True)
class BenchModel:
    """content: as UBJ. rows [n, columns], four decimals each, and what XGBoost answers to them."""

    content: bytes
    rows: np.ndarray
    expected: np.ndarray

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def names(self) -> list[str]:
        return [f"f{column:03d}" for column in range(self.rows.shape[1])]

    @property
    def signature(self) -> Signature:
        return Signature(inputs=tuple(ColumnSpec(name=name) for name in self.names))

    def write(self, path: Path) -> Path:
        path.write_bytes(self.content)
        return path

    def write_reference(self, path: Path) -> None:
        parquet.write_table(pa.table(dict(zip(self.names, self.rows.T, strict=True))), path)


def make(columns: int = 30, trees: int = 200, *, depth: int = 6, count: int = 20_000) -> BenchModel:
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(count, columns)).round(4)
    label = (rows[:, :5].sum(axis=1) + draw.normal(size=count) > 0).astype(int)
    names = [f"f{column:03d}" for column in range(columns)]
    data = xgboost.DMatrix(rows, label=label, feature_names=names)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": depth, "nthread": 2}, data, trees)
    expected = np.asarray(booster.inplace_predict(rows, validate_features=False), dtype=np.float64)
    return BenchModel(bytes(booster.save_raw("ubj")), rows, expected)
