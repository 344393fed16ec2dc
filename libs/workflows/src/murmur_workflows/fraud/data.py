"""Card payments of a simulated city of customers, with four ways of fraud, of which the fourth appears mid-way.

The simulator is synccfd 0.1.0 (MIT), after the handbook "Reproducible Machine Learning for Credit Card Fraud Detection"
(Le Borgne, Siblini, Lebichot, Bontempi, 2022). It plays all of its four scenarios from the first day on: amounts above
220; terminals that are compromised for four weeks; card numbers that are stolen and used online; cards that are stolen
and used up in one day, for amounts five times as high. Two things are altered, both in `city`:

- before `APPEARS` the payments with stolen cards are put back as the simulator had made them, before the theft;
- from `APPEARS` on the thieves know better: they pay amounts such as the owner pays, each `ATTEMPTS` times in a row.

Features are those of the handbook: amount, weekend, night, what the customer paid in the last 1, 7 and 30 days, and how
many payments at the terminal turned out as fraud in windows of 1, 7 and 30 days that end `LABEL_DELAY` ago, since that
is how long it takes until a customer has seen the statement and complains. README.md says what a draw gives.
"""

import contextlib
import io
import random
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from murmur_training import DataContext, DataUnreachable, alone

START = date(2025, 1, 6)
"""A Monday: day 0 of the simulation."""
FIRST = date(2025, 3, 17)
"""Rows begin here: windows of 30 days behind a delay of 7 are full, and as many terminals compromised as ever."""
APPEARS = date(2025, 5, 26)
"""The first day of the fourth scenario."""
KNOWN = date(2025, 7, 14)
"""From this day on nobody has told yet what was fraud: these payments are traffic, and in no training at all."""
END = date(2025, 7, 28)
LABEL_DELAY = timedelta(days=7)
WEEKS = 8
"""A model learns from so many weeks at most, the newest whose labels are known: thieves change their ways."""
ATTEMPTS = 3
INFLATED = 5
"""The factor by which the simulator makes amounts of stolen cards higher."""

WINDOWS = (1, 7, 30)
FEATURES = (
    "amount",
    "weekend",
    "night",
    *(f"customer_payments_{days}d" for days in WINDOWS),
    *(f"customer_amount_{days}d" for days in WINDOWS),
    *(f"terminal_payments_{days}d" for days in WINDOWS),
    *(f"terminal_risk_{days}d" for days in WINDOWS),
)
DAY = 86_400
Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class City:
    """What is simulated. synccfd seeds all that matters by itself, so other sizes are how other draws are had."""

    customers: int = 1000
    terminals: int = 4000
    days: int = (END - START).days

    @property
    def name(self) -> str:
        return f"synccfd-0.1.0-{self.customers}-{self.terminals}-{self.days}"


CITY = City()


def load(as_of: datetime, context: DataContext) -> pd.DataFrame:
    """The payments of the newest whole weeks of which everybody had told by `as_of` what was fraud."""
    history = city(CITY, context.data_dir)
    context.progress(0.9)
    return known(with_features(history), as_of)


def known(rows: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    """Those of `with_features` that a training may learn from at that time."""
    today = as_of.astimezone(UTC).replace(tzinfo=None)
    weeks = [week for week in sorted(rows["week"].unique()) if date.fromisoformat(week) < KNOWN]
    told = [week for week in weeks if datetime.fromisoformat(week) + timedelta(days=7) + LABEL_DELAY <= today]
    return rows[rows["week"].isin(told[-WEEKS:])]


def city(what: City, data_dir: Path, *, fourth: bool = True) -> pd.DataFrame:
    """Every payment from the first day on, in the order of time, simulated at the first call and kept in `data_dir`.

    Columns: payment, at (seconds since `START`), customer, terminal, amount, online, fraud, scenario (0: none). Without
    `fourth` that scenario never appears; all else is the same.
    """
    simulated, before_theft = _kept(what, data_dir)
    day = (APPEARS - START).days
    stolen = simulated["scenario"] == 4
    back = stolen & ((simulated["at"] < day * DAY) | (not fourth))
    honest = pd.concat([simulated[~stolen], before_theft[before_theft["payment"].isin(simulated["payment"][back])]])
    thefts = simulated[stolen & ~back]
    thefts = thefts.assign(amount=(thefts["amount"] / INFLATED).round(2))
    repeated = [
        thefts.assign(payment=thefts["payment"] + again, at=thefts["at"] + 60 * again) for again in range(ATTEMPTS)
    ]
    return pd.concat([honest, *repeated]).sort_values(["at", "payment"], ignore_index=True)


def with_features(history: pd.DataFrame) -> pd.DataFrame:
    """The payments from `FIRST` on with all columns that workflow.yaml names. Nothing later than a row is in it.

    `history` is in the order of time, as `city` gives it.
    """
    at, amount = history["at"].to_numpy(), history["amount"].to_numpy()
    fraud = history["fraud"].to_numpy(dtype=np.float64)
    when = pd.Timestamp(START) + pd.to_timedelta(history["at"], unit="s")
    columns: dict[str, Any] = {
        "payment": history["payment"],
        "week": (when.dt.normalize() - pd.to_timedelta(when.dt.weekday, unit="D")).dt.strftime("%Y-%m-%d"),
        "fraud": history["fraud"],
        "scenario": history["scenario"],
        "channel": np.where(history["online"], "online", "card present"),
        "amount": amount,
        "weekend": (when.dt.weekday >= 5).astype(int),
        "night": (when.dt.hour <= 6).astype(int),
    }
    delay = int(LABEL_DELAY.total_seconds())
    for days in WINDOWS:
        paid, total = _window(history["customer"].to_numpy(), at, amount, days)
        columns[f"customer_payments_{days}d"] = paid
        columns[f"customer_amount_{days}d"] = total / paid
        seen, found = _window(history["terminal"].to_numpy(), at, fraud, days, delay=delay)
        columns[f"terminal_payments_{days}d"] = seen
        columns[f"terminal_risk_{days}d"] = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
    rows = pd.DataFrame(columns)
    return rows[(at >= (FIRST - START).days * DAY) & (at < (END - START).days * DAY)].reset_index(drop=True)


def _window(who: Whole, at: Whole, values: Floats, days: int, *, delay: int = 0) -> tuple[Whole, Floats]:
    """For each row, how many rows of the same `who` lie in the `days` that end `delay` seconds before it; their sum.

    The end belongs to the window, its begin does not: without a delay the row itself is in it.
    """
    apart = int(at.max()) + days * DAY + delay + 1
    order = np.lexsort((at, who))
    keys = (who * apart + at)[order]
    ends = np.searchsorted(keys, keys - delay, side="right")
    begins = np.searchsorted(keys, keys - delay - days * DAY, side="right")
    sums = np.concatenate([[0.0], np.cumsum(values[order])])
    count, total = np.empty(len(at), dtype=np.int64), np.empty(len(at), dtype=np.float64)
    count[order], total[order] = ends - begins, sums[ends] - sums[begins]
    return count, total


def _kept(what: City, data_dir: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the simulator made, and its payments of scenario 4 as they were before the theft.

    Of several processes that ask at once one simulates and the others wait.
    """
    folder = data_dir / what.name
    paths = [folder / name for name in ("payments.parquet", "before-theft.parquet")]
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder / ".lock"):
        if not all(path.is_file() for path in paths):
            sys.stdout.write(f"simulating {what.days} days of {what.customers:,} customers once, about a minute\n")
            for frame, path in zip(_simulate(what), paths, strict=True):
                frame.to_parquet(path.with_suffix(".part"), index=False)
                path.with_suffix(".part").replace(path)
    return pd.read_parquet(paths[0]), pd.read_parquet(paths[1])


def _simulate(what: City) -> tuple[pd.DataFrame, pd.DataFrame]:
    try:
        from synccfd import DatasetGenerator, FraudSimulator
    except ImportError:
        raise DataUnreachable(
            "the simulator 'synccfd' is not installed where trainings run: pip install 'murmur-workflows[fraud]'"
        ) from None

    class Remembering(FraudSimulator):
        honest: pd.DataFrame

        def add_frauds(self, customers: Any, terminals: Any, transactions: Any, places: Any) -> Any:
            self.honest = transactions.copy().assign(TX_FRAUD=0, TX_FRAUD_SCENARIO=0)
            return super().add_frauds(customers, terminals, transactions, places)

    states = random.getstate(), np.random.get_state()  # the simulator seeds both for its own ends
    try:
        generator = DatasetGenerator(what.customers, what.terminals, what.days, start_date=START.isoformat())
        generator.fraud_simulator = simulator = Remembering(random_state=42)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            _, _, made = generator.generate()
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    return _told(made), _told(simulator.honest[made["TX_FRAUD_SCENARIO"] == 4])


def _told(made: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "payment": made["TRANSACTION_ID"].astype(np.int64) * 10,  # room for the attempts that follow
            "at": made["TX_TIME_SECONDS"].astype(np.int64),
            "customer": made["CUSTOMER_ID"].astype(np.int64),
            "terminal": made["TERMINAL_ID"].astype(np.int64),
            "amount": made["TX_AMOUNT"].astype(np.float64).round(2),
            "online": made["TX_TYPE"] == "CNP",
            "fraud": made["TX_FRAUD"].astype(np.int64),
            "scenario": made["TX_FRAUD_SCENARIO"].astype(np.int64),
        }
    )
