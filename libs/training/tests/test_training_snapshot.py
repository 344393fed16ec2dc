"""What load() returned -> a snapshot, or everything that is wrong with it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from murmur_events.workflows import DataSection
from murmur_training.errors import DataRejected
from murmur_training.snapshot import HOLDOUT, TRAIN, take_snapshot, write_snapshot
from murmur_training.splitting import cut_by_time, held_out


def complaints(loaded: Any, section: DataSection) -> str:
    with pytest.raises(DataRejected) as rejected:
        take_snapshot(loaded, section)
    return "\n".join(rejected.value.complaints)


def test_good_rows_are_cut_into_two_sides_that_share_no_identity(rows, section) -> None:
    snapshot = take_snapshot(rows, section)

    assert len(snapshot.train) + len(snapshot.holdout) == len(rows)
    assert 0.15 < len(snapshot.holdout) / len(rows) < 0.45
    assert not set(snapshot.train["customer"]) & set(snapshot.holdout["customer"])
    assert snapshot.periods == ("2005Q2", "2005Q3")


def test_train_gets_the_features_in_order_and_nothing_else(rows, section) -> None:
    given = take_snapshot(rows, section).rows

    assert list(given.X.columns) == ["amount", "age", "branch"]
    assert (given.X.dtypes == np.float64).all()
    assert set(given.y) == {0.0, 1.0}


def test_an_identity_is_on_the_same_side_in_every_snapshot(rows, section) -> None:
    early = take_snapshot(rows[rows["quarter"] == "2005Q2"], section)
    all_of_them = take_snapshot(rows, section)

    assert set(early.holdout["customer"]) <= set(all_of_them.holdout["customer"])
    assert set(early.train["customer"]) <= set(all_of_them.train["customer"])


def test_an_identity_is_on_the_same_side_whatever_type_its_column_has() -> None:
    numbers = np.arange(1000)
    as_text = held_out([str(number) for number in numbers], 0.3)

    assert (held_out(numbers, 0.3) == as_text).all()
    assert (held_out(numbers.astype(float), 0.3) == as_text).all()


def test_about_the_asked_share_is_held_out_and_other_purposes_cut_independently() -> None:
    numbers = np.arange(20_000)
    apart, other = held_out(numbers, 0.3), held_out(numbers, 0.3, purpose="validation")

    assert apart.mean() == pytest.approx(0.3, abs=0.01)
    assert (apart & other).mean() == pytest.approx(0.09, abs=0.01)


def test_a_larger_share_only_adds_to_the_holdout() -> None:
    numbers = np.arange(1000)
    assert not (held_out(numbers, 0.2) & ~held_out(numbers, 0.4)).any()


def test_the_same_rows_in_any_order_give_the_same_bytes_and_digest(rows, section, tmp_path: Path) -> None:
    shuffled = rows.sample(frac=1, random_state=4)[rows.columns[::-1]]
    digests, contents = [], []
    for name, loaded in (("one", rows), ("two", shuffled)):
        (tmp_path / name).mkdir()
        digests.append(write_snapshot(take_snapshot(loaded, section), tmp_path / name))
        contents.append([(tmp_path / name / part).read_bytes() for part in (TRAIN, HOLDOUT)])

    assert digests[0] == digests[1]
    assert contents[0] == contents[1]


def test_one_changed_value_gives_another_digest(rows, section, tmp_path: Path) -> None:
    changed = rows.copy()
    changed.loc[7, "amount"] += 1e-9

    assert write_snapshot(take_snapshot(rows, section), tmp_path) != write_snapshot(
        take_snapshot(changed, section), tmp_path
    )


def test_the_written_parts_read_back_as_they_were(rows, section, tmp_path: Path) -> None:
    snapshot = take_snapshot(rows, section)
    write_snapshot(snapshot, tmp_path)

    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / TRAIN), snapshot.train)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / HOLDOUT), snapshot.holdout)


def test_the_reference_window_is_the_train_rows_of_the_last_period(rows, section) -> None:
    snapshot = take_snapshot(rows, section)
    last = snapshot.train[snapshot.train["quarter"] == "2005Q3"]

    assert len(snapshot.reference) == len(last) < len(snapshot.train)
    assert list(snapshot.reference.columns) == list(section.features)


def test_periods_that_are_numbers_are_ordered_as_numbers(rows, section) -> None:
    rows["quarter"] = [9] * 120 + [10] * 80
    assert take_snapshot(rows, section).periods == ("9", "10")


@pytest.mark.parametrize("loaded", [None, [1, 2], {"amount": [1]}])
def test_what_is_no_frame_is_refused(loaded, section) -> None:
    assert "return a pandas.DataFrame" in complaints(loaded, section)


def test_a_missing_column_is_named(rows, section) -> None:
    said = complaints(rows.drop(columns=["age", "sex"]), section)
    assert "missing columns 'age', 'sex'" in said


def test_no_rows_are_refused(rows, section) -> None:
    assert "no rows" in complaints(rows.iloc[:0], section)


def test_too_few_rows_are_refused_with_both_numbers(rows, section) -> None:
    said = complaints(rows.iloc[100:140], section)
    assert "40 rows are fewer than data.checks.min_rows of 50" in said


def test_a_feature_of_words_is_named_with_an_example(rows, section) -> None:
    rows["age"] = "forty"
    assert "feature 'age' is not numeric, it holds 'forty'" in complaints(rows, section)


def test_missing_values_are_allowed_up_to_their_share(rows, section) -> None:
    rows.loc[:15, "amount"] = np.nan
    take_snapshot(rows, section)

    rows.loc[:40, "amount"] = np.nan
    assert "feature 'amount' is missing in 20.5% of rows" in complaints(rows, section)


def test_nullable_integers_are_numbers_and_their_gaps_are_missing(rows, section) -> None:
    rows["age"] = rows["age"].astype("Int64")
    rows.loc[3, "age"] = pd.NA
    assert np.isnan(take_snapshot(rows, section).rows.X["age"]).sum() <= 1


def test_infinite_values_are_refused(rows, section) -> None:
    rows.loc[2, "amount"] = np.inf
    assert "feature 'amount' is infinite in 1 rows" in complaints(rows, section)


def test_a_category_with_fractions_is_refused(rows, section) -> None:
    rows["branch"] = rows["branch"] + 0.5
    assert "category 'branch' holds fractions" in complaints(rows, section)


def test_a_label_without_value_is_refused(rows, section) -> None:
    rows["late"] = rows["late"].astype(float)
    rows.loc[[4, 9], "late"] = np.nan
    assert "target 'late' has no value in 2 of 200 rows" in complaints(rows, section)


def test_labels_other_than_0_and_1_are_named(rows, section) -> None:
    rows.loc[4, "late"] = 2
    assert "target 'late' holds '2'" in complaints(rows, section)


def test_an_unbalanced_label_is_refused_with_its_share(rows, section) -> None:
    rows["late"] = 0
    rows.loc[:9, "late"] = 1
    assert "target 'late' is 1 in 5.00% of rows, outside data.checks.label_balance of 10.00%" in complaints(
        rows, section
    )


def test_repeated_rows_are_allowed_up_to_their_share(rows, section) -> None:
    take_snapshot(pd.concat([rows, rows.iloc[:5]]), section)
    assert "14.2% of rows repeat the 'customer' and 'quarter'" in complaints(pd.concat([rows, rows.iloc[:33]]), section)


def test_a_customer_in_two_quarters_is_no_duplicate(rows, section) -> None:
    take_snapshot(pd.concat([rows, rows.iloc[:100].assign(quarter="2005Q4")]), section)


def test_a_row_without_identity_or_period_is_refused(rows, section) -> None:
    rows["customer"] = rows["customer"].astype(float)
    rows.loc[1, "customer"] = np.nan
    rows.loc[2, "quarter"] = None
    said = complaints(rows, section)
    assert "identity 'customer' has no value in 1 of 200 rows" in said
    assert "period 'quarter' has no value in 1 of 200 rows" in said


def test_a_feature_that_is_the_answer_is_refused(rows, section) -> None:
    leaking = section.model_copy(update={"features": ("amount", "late")})
    assert "'late' are features too" in complaints(rows, leaking)


def test_a_column_that_stands_twice_is_refused(rows, section) -> None:
    doubled = pd.concat([rows, rows[["age"]]], axis=1)
    assert "columns 'age' stand more than once" in complaints(doubled, section)


def test_everything_that_is_wrong_is_said_at_once(rows, section) -> None:
    rows["age"] = "forty"
    rows.loc[2, "amount"] = np.inf
    rows["late"] = 1
    assert len(complaints(rows, section).splitlines()) == 3


def test_a_side_with_one_label_is_refused(rows, section) -> None:
    apart = held_out(rows["customer"], section.holdout)
    rows["late"] = np.where(apart, 1, np.arange(len(rows)) % 2)
    assert "the holdout part has" in complaints(rows, section)


WEEKS = ("2025-03-03", "2025-03-10", "2025-03-17", "2025-03-24", "2025-03-31")


@pytest.fixture
def by_time(section) -> DataSection:
    return section.model_copy(update={"split": "time", "holdout": 0.3, "gap": 1})


@pytest.fixture
def weekly(rows) -> pd.DataFrame:
    """200 rows in five weeks of 40."""
    return rows.assign(quarter=np.repeat(WEEKS, 40))


def test_a_split_by_time_holds_out_the_newest_periods_and_leaves_out_the_gap(weekly, by_time) -> None:
    snapshot = take_snapshot(weekly.sample(frac=1, random_state=1), by_time)

    assert set(snapshot.train["quarter"]) == set(WEEKS[:2])
    assert set(snapshot.holdout["quarter"]) == set(WEEKS[3:])
    assert snapshot.periods == WEEKS
    assert snapshot.trained_until == WEEKS[1]


def test_without_a_gap_every_row_is_in_one_of_both(weekly, by_time) -> None:
    snapshot = take_snapshot(weekly, by_time.model_copy(update={"gap": 0}))
    assert len(snapshot.train) + len(snapshot.holdout) == len(weekly)
    assert snapshot.train["quarter"].max() < snapshot.holdout["quarter"].min()


def test_with_a_split_by_time_the_reference_window_is_the_last_period(weekly, by_time) -> None:
    snapshot = take_snapshot(weekly, by_time)
    last = snapshot.holdout[snapshot.holdout["quarter"] == WEEKS[-1]]
    pd.testing.assert_frame_equal(snapshot.reference, last[list(by_time.features)])


def test_learning_curves_are_drawn_on_the_newest_train_rows(weekly, by_time) -> None:
    rows = take_snapshot(weekly, by_time).rows
    fit, check = rows.split(0.2)

    assert (set(fit.period), set(check.period)) == ({WEEKS[0]}, {WEEKS[1]})
    assert len(fit) + len(check) == len(rows)


def test_identities_say_nothing_about_time(rows, section) -> None:
    snapshot = take_snapshot(rows, section)
    assert snapshot.trained_until is None
    assert snapshot.rows.period is None


def test_a_gap_that_leaves_nothing_to_learn_from_is_refused(weekly, by_time) -> None:
    assert "the train part has 0 rows and 0 labels" in complaints(weekly, by_time.model_copy(update={"gap": 3}))
    assert "or data.gap of 3 periods" in complaints(weekly, by_time.model_copy(update={"gap": 3}))


def test_one_period_cannot_be_cut_by_time(weekly, by_time) -> None:
    assert "both are needed" in complaints(weekly.assign(quarter=WEEKS[0]), by_time)


def test_periods_that_are_not_in_order_as_texts_cannot_be_cut_by_time(weekly, by_time, section) -> None:
    numbered = weekly.assign(quarter=np.repeat([8, 9, 10, 11, 12], 40))
    assert "as texts '9' comes after '10'" in complaints(numbered, by_time)
    assert take_snapshot(numbered, section).periods == ("8", "9", "10", "11", "12")


@pytest.mark.parametrize(
    ("share", "gap", "train", "holdout"),
    [(0.2, 0, 4, 1), (0.21, 0, 3, 2), (0.4, 1, 2, 2), (0.4, 2, 1, 2), (0.99, 0, 1, 4), (0.2, 9, 0, 1)],
)
def test_whole_periods_make_at_least_the_share(share: float, gap: int, train: int, holdout: int) -> None:
    cut = cut_by_time(np.repeat(WEEKS, 10), share, gap=gap)
    assert (cut.train.sum(), cut.holdout.sum()) == (10 * train, 10 * holdout)
