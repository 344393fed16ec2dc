"""Small data and small workflows, for tests of what carries them out."""

import asyncio
import sys
import textwrap
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from murmur_events.workflows import Costs, DataChecks, DataSection
from murmur_training.spec import WorkerSpec

AS_OF = datetime(2005, 10, 1, tzinfo=UTC)

SECTION = DataSection(
    target="late",
    features=("amount", "age", "branch"),
    categories=("branch",),
    identity="customer",
    period="quarter",
    slices=("sex",),
    holdout=0.3,
    checks=DataChecks(min_rows=50, max_missing=0.1, max_duplicates=0.05, label_balance=(0.1, 0.9)),
)

DATA = """
    import numpy as np
    import pandas as pd

    def load(as_of, context):
        n = 400
        draws = np.random.default_rng(1)
        amount = draws.normal(size=n)
        return pd.DataFrame({
            "customer": np.arange(n),
            "quarter": ["2005Q2"] * 250 + ["2005Q3"] * 150,
            "amount": amount,
            "age": draws.integers(20, 70, n),
            "branch": draws.integers(0, 3, n),
            "sex": draws.choice(["f", "m"], n),
            "late": (amount + draws.normal(size=n) > 0.5).astype(int),
        })
"""

TRAIN = """
    import xgboost

    def train(context):
        print("training on", len(context.train), "rows")
        settings = {"objective": "binary:logistic", "seed": context.seed, "eval_metric": "auc"}
        rounds = int(context.parameters.get("rounds", 10))
        fit, check = context.train.split(0.2)
        watched = [(check.matrix(), "check")]
        curves = [context.curves(rounds, every=5)]
        xgboost.train(settings, fit.matrix(), rounds, evals=watched, callbacks=curves, verbose_eval=False)
        return xgboost.train(settings, context.train.matrix(), rounds)
"""


@pytest.fixture
def section() -> DataSection:
    return SECTION


@pytest.fixture
def rows() -> pd.DataFrame:
    """200 rows that no check complains about."""
    draws = np.random.default_rng(0)
    n = 200
    return pd.DataFrame(
        {
            "customer": np.arange(n),
            "quarter": ["2005Q2"] * 120 + ["2005Q3"] * 80,
            "amount": draws.normal(size=n),
            "age": draws.integers(20, 70, n),
            "branch": draws.integers(0, 3, n),
            "sex": draws.choice(["f", "m"], n),
            "late": draws.integers(0, 2, n),
        }
    )


Workflow = Callable[..., WorkerSpec]


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """Writes a workflow's code into a folder of its own and returns the worker's orders for it."""

    def write(
        *, data: str = DATA, train: str = TRAIN, name: str = "churn", costs: Costs | None = None, **files: str
    ) -> WorkerSpec:
        code = tmp_path / name / "code"
        code.mkdir(parents=True)
        for file, text in {"data": data, "train": train, **files}.items():
            (code / f"{file}.py").write_text(textwrap.dedent(text))
        work = tmp_path / name / "work"
        work.mkdir()
        return WorkerSpec(
            code=code,
            work=work,
            data_dir=tmp_path / "data",
            as_of=AS_OF,
            data=SECTION,
            parameters={"rounds": 20},
            seed=3,
            costs=costs,
        )

    return write


@pytest.fixture
def import_state() -> Iterator[None]:
    """The worker puts code on the import path of its own process; here that process is the test's."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in ("data", "train", "helper"):
        if name not in modules:
            sys.modules.pop(name, None)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    async def wait(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():  # noqa: ASYNC110 - processes and files give no event to wait for
                await asyncio.sleep(0.02)

    return wait
