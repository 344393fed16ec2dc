"""The real table in -> quarters out: drawn as documented, nothing altered, the future unknown."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import pytest

from murmur_training import DataContext
from murmur_training.rehearsal import definition_of
from murmur_workflows import credit
from murmur_workflows.credit import data


def periods(as_of: datetime, data_dir: Path) -> list[str]:
    loaded = data.load(as_of, DataContext(data_dir=data_dir))
    return list(dict.fromkeys(loaded["quarter"]))


def test_every_quarter_has_its_customers_and_no_customer_is_in_two(quarters: pd.DataFrame) -> None:
    sizes = quarters["quarter"].value_counts().to_dict()
    assert sizes == {name: quarter.customers for name, quarter in data.QUARTERS.items()}
    assert quarters["customer"].is_unique


def test_no_value_is_altered(quarters: pd.DataFrame, table: Path) -> None:
    original = pd.read_csv(table).set_index("ID")
    drawn = quarters.set_index("customer")
    of_them = original.loc[drawn.index]

    for column in ("LIMIT_BAL", *data.MONTHS):
        assert (drawn[column] == of_them[column]).all(), column
    assert (drawn["default"] == of_them["default-payment-next-month"]).all()
    for code in range(7):
        assert ((drawn["EDUCATION"] == code) == (of_them[f"EDUCATION_{code}"] == 1)).all()


def test_groups_have_the_sizes_that_the_table_is_known_for(customers: pd.DataFrame) -> None:
    """As counted by the table's makers (Yeh and Lien 2009), which shows that its codes are read as they are meant."""
    assert customers["sex"].value_counts().to_dict() == {"female": 18112, "male": 11888}
    assert customers["education"].value_counts().to_dict() == {
        "university": 14030,
        "graduate school": 10585,
        "high school": 4917,
        "other": 468,
    }
    assert set(customers["age"]) == {"20s", "30s", "40s", "50+"}
    assert customers["default"].sum() == 6636


def test_stable_quarters_are_like_the_table_and_the_campaign_is_not(
    quarters: pd.DataFrame, customers: pd.DataFrame
) -> None:
    in_table = (customers["LIMIT_BAL"] <= data.CAMPAIGN_LIMIT).mean()
    share = (quarters["LIMIT_BAL"] <= data.CAMPAIGN_LIMIT).groupby(quarters["quarter"]).mean()

    assert in_table == pytest.approx(0.36, abs=0.005)
    for stable in ("2005Q2", "2005Q3", "2005Q4"):
        assert share[stable] == pytest.approx(in_table, abs=0.05)
    for shifted in ("2006Q1", "2006Q2"):
        assert share[shifted] == pytest.approx(0.75, abs=0.001)


def test_any_part_of_a_campaign_quarter_is_a_random_part_of_it(quarters: pd.DataFrame) -> None:
    low = (quarters.loc[quarters["quarter"] == credit.SHIFTED_QUARTER, "LIMIT_BAL"] <= data.CAMPAIGN_LIMIT).to_numpy()
    assert low[:500].mean() == pytest.approx(0.75, abs=0.06)
    assert low[-500:].mean() == pytest.approx(0.75, abs=0.06)


@pytest.mark.parametrize(
    ("as_of", "known"),
    [
        ("2005-06-30", []),
        (credit.FIRST_TICK, ["2005Q2"]),
        ("2005-09-30", ["2005Q2"]),
        (credit.SECOND_TICK, ["2005Q2", "2005Q3"]),
        ("2026-11-25", ["2005Q2", "2005Q3", "2005Q4", "2006Q1"]),
    ],
)
def test_only_quarters_that_had_ended_are_known(as_of: str, known: list[str], data_dir: Path, table: Path) -> None:
    assert periods(datetime.fromisoformat(as_of).replace(tzinfo=UTC), data_dir) == known


def test_the_end_of_a_quarter_is_midnight_in_utc(data_dir: Path, table: Path) -> None:
    early_in_taipei = datetime(2005, 10, 1, 2, tzinfo=timezone(timedelta(hours=8)))
    assert periods(early_in_taipei, data_dir) == ["2005Q2"]


def test_applicants_are_the_models_inputs_in_order(data_dir: Path, table: Path) -> None:
    rows = credit.applicants(credit.STABLE_QUARTER, data_dir)

    assert tuple(rows.columns) == definition_of(credit.FOLDER).data.features == data.FEATURES
    assert len(rows) == data.QUARTERS[credit.STABLE_QUARTER].customers
    assert rows.notna().all().all()


def test_an_unknown_quarter_is_refused_with_those_that_exist(data_dir: Path) -> None:
    with pytest.raises(ValueError, match="no quarter '2007Q1': choose one of 2005Q2, 2005Q3"):
        credit.applicants("2007Q1", data_dir)


def test_the_ticks_are_those_of_the_schedule() -> None:
    assert definition_of(credit.FOLDER).schedule == "0 0 1 1,4,7,10 *"
    for tick in (credit.FIRST_TICK, credit.SECOND_TICK):
        day = datetime.fromisoformat(tick)
        assert day.day == 1
        assert day.month in (1, 4, 7, 10)
