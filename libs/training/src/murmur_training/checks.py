"""Says everything that is wrong with the data load() returned, before anything is learned from it."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from murmur_events.workflows import Costs, DataSection
from murmur_training.splitting import identity_text

SHOWN = 8
"""So many names stand in one complaint; the rest are counted."""


def complaints_about_shape(loaded: Any, section: DataSection) -> tuple[str, ...]:
    """What must hold before the values can be looked at: it is a DataFrame, it has rows, and every named column
    once."""
    if not isinstance(loaded, pd.DataFrame):
        return (f"{section.entry}: load() returned {type(loaded).__name__!r}: return a pandas.DataFrame",)
    leaks = [name for name in (section.identity, section.period, section.target) if name in section.features]
    if leaks:
        return (f"columns {_names(leaks)} are features too: a model must not see who, when or the answer",)
    missing = [name for name in named_columns(section) if name not in loaded.columns]
    if missing:
        there = _names([str(name) for name in loaded.columns])
        return (f"missing columns {_names(missing)}: workflow.yaml names them, load() returned {there}",)
    twice = [name for name in named_columns(section) if list(loaded.columns).count(name) > 1]
    if twice:
        return (f"columns {_names(twice)} stand more than once: return each column once",)
    if loaded.empty:
        return ("load() returned no rows: is there data that ended before as_of?",)
    return ()


def named_columns(section: DataSection) -> tuple[str, ...]:
    """Every column that the workflow names, once each."""
    lists = (*section.features, *section.slices, *section.baselines)
    return tuple(dict.fromkeys((section.identity, section.period, section.target, *lists)))


def complaints_about_values(frame: pd.DataFrame, section: DataSection, costs: Costs | None = None) -> tuple[str, ...]:
    """Every rule of the section that these rows break, and whether each row has the amount that `costs` speak of; the
    frame has passed `complaints_about_shape`."""
    target = _number if section.task == "regression" else _target
    rules = (_features, target, _baselines, _identity, _rows)
    found = [complaint for rule in rules for complaint in rule(frame, section)]
    return (*found, *_amounts(frame, section, costs))


def _features(frame: pd.DataFrame, section: DataSection) -> Iterator[str]:
    for name in section.features:
        column = frame[name]
        if not is_numeric_dtype(column.dtype):
            example = next((value for value in column if isinstance(value, str)), column.iloc[0])
            yield f"feature {name!r} is not numeric, it holds {example!r}: encode words as numbers in {section.entry}"
            continue
        values = as_floats(column)
        missing = float(np.isnan(values).mean())
        if missing > section.checks.max_missing:
            yield (
                f"feature {name!r} is missing in {missing:.1%} of rows, more than"
                f" data.checks.max_missing of {section.checks.max_missing:.1%}"
            )
        if np.isinf(values).any():
            yield f"feature {name!r} is infinite in {int(np.isinf(values).sum()):,} rows: give finite numbers"
        if name in section.categories and not _whole(values):
            yield f"category {name!r} holds fractions: a category is a code, a whole number"


def _target(frame: pd.DataFrame, section: DataSection) -> Iterator[str]:
    name, column = section.target, frame[section.target]
    if not is_numeric_dtype(column.dtype):
        yield f"target {name!r} is not numeric, it holds {column.iloc[0]!r}: give 0 or 1"
        return
    values = as_floats(column)
    unknown = int(np.isnan(values).sum())
    if unknown:
        yield f"target {name!r} has no value in {unknown:,} of {len(values):,} rows: leave out rows without a label"
    known = values[~np.isnan(values)]
    others = np.setdiff1d(known, (0.0, 1.0))
    if others.size:
        yield f"target {name!r} holds {_names([f'{value:g}' for value in others])}: give 0 or 1"
        return
    low, high = section.checks.label_balance
    if known.size and not low <= known.mean() <= high:
        yield (
            f"target {name!r} is 1 in {known.mean():.2%} of rows, outside data.checks.label_balance of"
            f" {low:.2%} to {high:.2%}"
        )


def _number(frame: pd.DataFrame, section: DataSection) -> Iterator[str]:
    """Of a regression."""
    name, column = section.target, frame[section.target]
    if not is_numeric_dtype(column.dtype):
        yield f"target {name!r} is not numeric, it holds {column.iloc[0]!r}: give numbers"
        return
    unknown = int((~np.isfinite(as_floats(column))).sum())
    if unknown:
        yield f"target {name!r} is missing or infinite in {unknown:,} of {len(column):,} rows: leave such rows out"


def _baselines(frame: pd.DataFrame, section: DataSection) -> Iterator[str]:
    for name in section.baselines:
        column = frame[name]
        if not is_numeric_dtype(column.dtype):
            yield f"baseline {name!r} is not numeric, it holds {column.iloc[0]!r}: give what the rule predicts"
        elif not np.isfinite(as_floats(column)).all():
            yield f"baseline {name!r} is missing or infinite in some rows: it must predict every row, as the model does"


def _identity(frame: pd.DataFrame, section: DataSection) -> Iterator[str]:
    for role, name in (("identity", section.identity), ("period", section.period)):
        unknown = int(frame[name].isna().sum())
        if unknown:
            yield f"{role} {name!r} has no value in {unknown:,} of {len(frame):,} rows: every row needs one"
    share = float(frame.duplicated([section.identity, section.period]).mean())
    if share > section.checks.max_duplicates:
        yield (
            f"{share:.1%} of rows repeat the {section.identity!r} and {section.period!r} of another, more than"
            f" data.checks.max_duplicates of {section.checks.max_duplicates:.1%}"
        )
    periods = frame[section.period].dropna().unique()
    if len({type(value) for value in periods}) > 1:
        yield f"period {section.period!r} mixes types, so no period is the last: give one type, such as '2005Q3'"
    elif section.split == "time" and (fault := _disorder(periods)):
        yield (
            f"period {section.period!r} is cut by time, but as texts {fault[0]!r} comes after {fault[1]!r}:"
            f" name periods so that their texts are in order, such as '2005-09'"
        )


def _amounts(frame: pd.DataFrame, section: DataSection, costs: Costs | None) -> Iterator[str]:
    """What it costs to miss a row is asked of every row, in training and when versions are compared."""
    if costs is None or not isinstance(costs.false_negative, str):
        return
    name = costs.false_negative
    if name not in section.features:
        yield f"validation.costs name the column {name!r}, which is no feature: name a feature or give an amount"
        return
    if not is_numeric_dtype(frame[name].dtype):
        return  # said of the feature already
    values = as_floats(frame[name])
    unknown = int(np.sum(np.isnan(values) | (values < 0)))
    if unknown:
        yield (
            f"feature {name!r} is missing or below 0 in {unknown:,} of {len(values):,} rows, and validation.costs need"
            f" it of every row: leave such rows out, or give false_negative as one amount"
        )


def _rows(frame: pd.DataFrame, section: DataSection) -> Iterator[str]:
    if len(frame) < section.checks.min_rows:
        yield f"{len(frame):,} rows are fewer than data.checks.min_rows of {section.checks.min_rows:,}"


def _disorder(periods: Any) -> tuple[str, str] | None:
    """Two neighbours whose texts are not in the order of their values: 9 and 10."""
    texts = [identity_text(value) for value in sorted(periods)]
    return next(((one, other) for one, other in pairwise(texts) if one > other), None)


def as_floats(column: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A numeric column of any pandas type as float64 [n], NaN where it is missing."""
    values: np.ndarray[Any, np.dtype[np.float64]] = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def _whole(values: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    finite = values[np.isfinite(values)]
    return bool((finite == np.floor(finite)).all())


def _names(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
