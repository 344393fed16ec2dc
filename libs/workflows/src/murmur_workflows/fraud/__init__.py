"""The fraud workflow's folder, and its story: which tick to replay and which weeks of payments to send."""

from functools import lru_cache
from pathlib import Path

import pandas as pd

from murmur_workflows.fraud import data

FOLDER = Path(__file__).parent

FIRST_TICK = "2025-05-12"
STABLE_WEEKS = ("2025-05-12", "2025-05-19")
"""In no training before their end, and thieves do what they always did: they must not look like drift."""
FOURTH_WEEKS = ("2025-05-26", "2025-06-02", "2025-06-09", "2025-06-16", "2025-06-23", "2025-06-30", "2025-07-07")
"""The fourth scenario is there. Without it the same weeks are the negative control."""
LATER_WEEKS = ("2025-07-14", "2025-07-21")
"""In no training at all: nobody has told yet what was fraud."""
WORSE_PARAMETERS: dict[str, int] = {"max_depth": 1, "rounds": 5}


def payments(week: str, data_dir: Path, *, fourth: bool = True) -> pd.DataFrame:
    """The payments of the week that begins on that Monday, with the columns of workflow.yaml and `scenario`.

    They come in an order that has nothing to do with the day, the same each time: any part is a random part of the
    week, so that no window of a replay holds Mondays only. Raises `ValueError` for a week that is not simulated and
    `DataUnreachable` where the simulator is not installed.
    """
    rows = _rows(data_dir, fourth)
    chosen = rows[rows["week"] == week]
    if chosen.empty:
        weeks = sorted(rows["week"].unique())
        raise ValueError(f"there is no week {week!r}: choose a Monday from {weeks[0]} to {weeks[-1]}")
    return chosen.sample(frac=1, random_state=2025, ignore_index=True)


@lru_cache(maxsize=2)
def _rows(data_dir: Path, fourth: bool) -> pd.DataFrame:
    return data.with_features(data.city(data.CITY, data_dir, fourth=fourth))


def prepare(data_dir: Path) -> None:
    """Simulates the city, unless it is there already. Raises `DataUnreachable` as `payments` does."""
    data.city(data.CITY, data_dir)
