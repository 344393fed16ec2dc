"""A simulated history in -> rows out: nothing from the future, labels as late as they come, the fourth scenario alone
altered."""

import contextlib
import multiprocessing
import random
from datetime import UTC, date, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from murmur_training import DataContext
from murmur_training.rehearsal import definition_of
from murmur_workflows import fraud
from murmur_workflows.fraud import data

TOWN = data.City(customers=80, terminals=40, days=150)
"""Small enough to be simulated in a few seconds; the fourth scenario has ten days of it."""
HAMLET = data.City(customers=80, terminals=40, days=10)
DAY = data.DAY
DELAY = int(data.LABEL_DELAY.total_seconds())
BEGIN = (data.FIRST - data.START).days

pytestmark = pytest.mark.timeout(600)  # simulating takes seconds, and more on a busy machine


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    data.city(TOWN, folder)
    return folder


@pytest.fixture(scope="module")
def town(kept: Path) -> pd.DataFrame:
    return data.city(TOWN, kept)


def histories() -> st.SearchStrategy[pd.DataFrame]:
    """A few customers who pay at a few terminals, often in the same second, around the first day that has rows."""
    moments = st.integers((BEGIN - 45) * DAY, (BEGIN + 5) * DAY).map(lambda second: second - second % (DAY // 4))
    payments = st.tuples(moments, st.integers(0, 2), st.integers(0, 2), st.integers(1, 500), st.booleans())
    return st.lists(payments, min_size=2, max_size=25).map(history_of)


def history_of(payments: list[tuple[int, int, int, int, bool]]) -> pd.DataFrame:
    last = ((BEGIN + 5) * DAY, 0, 0, 10, False)  # so that some row is always late enough to be given out
    frame = pd.DataFrame([*payments, last], columns=["at", "customer", "terminal", "amount", "fraud"])
    frame = frame.sort_values("at", kind="stable", ignore_index=True)
    return frame.assign(
        payment=range(len(frame)),
        amount=frame["amount"].astype(float),
        fraud=frame["fraud"].astype(int),
        online=False,
        scenario=0,
    )


def features_of(history: pd.DataFrame, payment: int) -> pd.Series:
    rows = data.with_features(history)
    return rows.loc[rows["payment"] == payment, list(data.FEATURES)].iloc[0]


slow = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(history=histories(), drawn=st.data())
def test_no_feature_of_a_row_knows_what_came_later(history: pd.DataFrame, drawn: st.DataObject) -> None:
    rows = data.with_features(history)
    payment = drawn.draw(st.sampled_from(list(rows["payment"])))
    before = features_of(history, payment)
    now = int(history.loc[history["payment"] == payment, "at"].iloc[0])
    later = history["at"] > now

    changed = history.assign(
        amount=history["amount"].where(~later, 9999.0), customer=history["customer"].where(~later, 0)
    )
    pd.testing.assert_series_equal(features_of(changed, payment), before)
    pd.testing.assert_series_equal(features_of(history[~later], payment), before)


@slow
@given(history=histories(), drawn=st.data())
def test_no_feature_of_a_row_knows_a_label_that_had_not_come(history: pd.DataFrame, drawn: st.DataObject) -> None:
    rows = data.with_features(history)
    payment = drawn.draw(st.sampled_from(list(rows["payment"])))
    now = int(history.loc[history["payment"] == payment, "at"].iloc[0])
    young = history["at"] > now - DELAY

    turned = history.assign(fraud=history["fraud"].where(~young, 1 - history["fraud"]))
    pd.testing.assert_series_equal(features_of(turned, payment), features_of(history, payment))


@slow
@given(history=histories())
def test_windows_are_what_their_names_say(history: pd.DataFrame) -> None:
    for row in data.with_features(history).itertuples():
        now = history.loc[history["payment"] == row.payment].iloc[0]
        for days in data.WINDOWS:
            ago = now["at"] - history["at"]
            mine = history[(history["customer"] == now["customer"]) & (ago >= 0) & (ago < days * DAY)]
            assert getattr(row, f"customer_payments_{days}d") == len(mine)
            assert getattr(row, f"customer_amount_{days}d") == pytest.approx(mine["amount"].mean())
            told = ago - DELAY
            here = history[(history["terminal"] == now["terminal"]) & (told >= 0) & (told < days * DAY)]
            assert getattr(row, f"terminal_payments_{days}d") == len(here)
            assert getattr(row, f"terminal_risk_{days}d") == pytest.approx(here["fraud"].mean() if len(here) else 0.0)


def test_the_last_label_that_counts_is_just_old_enough() -> None:
    """The positive of the above: a day older than the delay, and the terminal's risk is seen."""
    at = (BEGIN + 3) * DAY
    fresh = history_of([(at - DELAY + 1, 1, 2, 10, True), (at, 0, 2, 10, False)])
    known = history_of([(at - DELAY, 1, 2, 10, True), (at, 0, 2, 10, False)])
    assert features_of(fresh, 1)["terminal_risk_1d"] == 0
    assert features_of(known, 1)["terminal_risk_1d"] == 1


def test_the_same_city_is_simulated_the_same_way(tmp_path: Path) -> None:
    once, again = (data.city(HAMLET, tmp_path / name) for name in ("once", "again"))
    pd.testing.assert_frame_equal(once, again)


def test_a_city_is_simulated_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    once = data.city(HAMLET, tmp_path)
    assert "simulating 10 days" in capsys.readouterr().out
    pd.testing.assert_frame_equal(data.city(HAMLET, tmp_path), once)
    assert capsys.readouterr().out == ""


def _simulated(folder: Path, begin: Barrier, told: Path) -> None:
    begin.wait(60)
    with told.open("w") as words, contextlib.redirect_stdout(words):
        data.city(HAMLET, folder)


def test_of_two_processes_that_want_the_same_city_one_simulates_it(tmp_path: Path) -> None:
    apart = multiprocessing.get_context("spawn")
    begin, told = apart.Barrier(2), [tmp_path / name for name in ("one", "other")]
    both = [apart.Process(target=_simulated, args=(tmp_path / "data", begin, words)) for words in told]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert sorted("simulating" in words.read_text() for words in told) == [False, True]
    pd.testing.assert_frame_equal(data.city(HAMLET, tmp_path / "data"), data.city(HAMLET, tmp_path / "again"))


def test_the_simulator_leaves_the_seeds_of_others_alone(tmp_path: Path) -> None:
    random.seed(1)
    np.random.seed(1)
    expected = random.random(), float(np.random.random())
    random.seed(1)
    np.random.seed(1)
    data.city(HAMLET, tmp_path)
    assert (random.random(), float(np.random.random())) == expected


def test_the_fourth_scenario_appears_mid_way_and_the_others_are_always_there(town: pd.DataFrame) -> None:
    appears = (data.APPEARS - data.START).days * DAY
    stolen = town[town["scenario"] == 4]
    assert not stolen.empty
    assert stolen["at"].min() >= appears
    assert {2, 3} <= set(town.loc[town["at"] < appears, "scenario"])
    assert town["payment"].is_unique
    assert town["at"].is_monotonic_increasing


def test_without_the_fourth_scenario_all_else_is_the_same(town: pd.DataFrame, kept: Path) -> None:
    control = data.city(TOWN, kept, fourth=False)
    assert 4 not in set(control["scenario"])
    others = town[town["scenario"] != 4].set_index("payment")
    pd.testing.assert_frame_equal(control.set_index("payment").loc[others.index], others)


def test_a_stolen_card_pays_what_its_owner_would_have_paid_but_thrice(town: pd.DataFrame, kept: Path) -> None:
    control = data.city(TOWN, kept, fourth=False).set_index("payment")
    stolen = town[town["scenario"] == 4]
    first = stolen[stolen["payment"] % 10 == 0].set_index("payment")
    assert len(stolen) == data.ATTEMPTS * len(first)
    assert first["amount"].to_numpy() == pytest.approx(control.loc[first.index, "amount"].to_numpy(), abs=0.011)
    assert (stolen["fraud"] == 1).all()


def rows_of_weeks() -> pd.DataFrame:
    mondays = [data.START + timedelta(weeks=number) for number in range(10, 29)]
    return pd.DataFrame({"week": [monday.isoformat() for monday in mondays]})


@pytest.mark.parametrize(
    ("as_of", "first", "last"),
    [
        ("2025-03-30T23:59", None, None),
        ("2025-03-31T00:00", "2025-03-17", "2025-03-17"),  # its last payment is a week old
        (fraud.FIRST_TICK, "2025-03-17", "2025-04-28"),
        ("2025-05-26", "2025-03-24", "2025-05-12"),  # eight weeks
        ("2026-11-25", "2025-05-19", "2025-07-07"),  # nobody ever told about the weeks after these
    ],
)
def test_only_weeks_whose_labels_have_come_are_known(as_of: str, first: str | None, last: str | None) -> None:
    known = list(data.known(rows_of_weeks(), datetime.fromisoformat(as_of).replace(tzinfo=UTC))["week"])
    assert (known[0], known[-1]) == (first, last) if known else (first, last) == (None, None)


def test_the_weeks_of_the_story_are_those_of_the_data() -> None:
    weeks = [*fraud.STABLE_WEEKS, *fraud.FOURTH_WEEKS, *fraud.LATER_WEEKS]
    assert weeks == [(date.fromisoformat(fraud.FIRST_TICK) + timedelta(weeks=n)).isoformat() for n in range(len(weeks))]
    assert fraud.FOURTH_WEEKS[0] == data.APPEARS.isoformat()
    assert fraud.LATER_WEEKS[0] == data.KNOWN.isoformat()
    assert definition_of(fraud.FOLDER).data.features == data.FEATURES
    assert data.START.weekday() == 0


def test_load_gives_whole_weeks_with_every_column_that_the_workflow_names(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "CITY", TOWN)
    loaded = data.load(datetime(2025, 5, 12, tzinfo=UTC), DataContext(data_dir=kept))
    section = definition_of(fraud.FOLDER).data
    named = {section.target, section.identity, section.period, *section.features, *section.slices}
    assert named <= set(loaded.columns)
    assert sorted(loaded["week"].unique())[-1] == "2025-04-28"
    assert set(loaded["channel"]) == {"card present", "online"}
    assert loaded["payment"].is_unique
