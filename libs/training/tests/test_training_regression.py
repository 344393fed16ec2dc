"""Numbers in place of labels: what is refused, what is measured on the holdout, and what is left to the author."""

import math

import numpy as np
import pytest

from murmur_training.evaluation.metrics import NotMeasurable
from murmur_training.evaluation.regression import rmse_interval, sizes, skill_interval
from murmur_training.messages import Metric
from murmur_training.spec import Failed, Trained, WorkerSpec
from murmur_training.worker import attempt

pytestmark = pytest.mark.usefixtures("import_state")

DATA = """
    import numpy as np
    import pandas as pd

    def load(as_of, context):
        n = 400
        draws = np.random.default_rng(1)
        amount = draws.normal(size=n)
        frame = pd.DataFrame({
            "customer": np.arange(n), "quarter": ["2005Q2"] * 250 + ["2005Q3"] * 150, "amount": amount,
            "age": draws.integers(20, 70, n), "branch": draws.integers(0, 3, n), "sex": draws.choice(["f", "m"], n),
            "late": 10 * context.parameters["slope"] * amount + draws.normal(size=n), "zero": 0.0,
        })
        CHANGE
        return frame
"""
TRAIN = """
    import xgboost

    def train(context):
        settings = {"objective": "reg:squarederror", "eval_metric": "rmse", "seed": context.seed}
        fit, check = context.train.split(0.2)
        curves = [context.curves(20, every=5)]
        xgboost.train(settings, fit.matrix(), 20, evals=[(check.matrix(), "check")], callbacks=curves)
        return xgboost.train(settings, context.train.matrix(), 20)
"""


@pytest.fixture
def regression(workflow):
    def write(change: str = "pass", train: str = TRAIN, name: str = "churn", **told: object) -> WorkerSpec:
        spec = workflow(data=DATA.replace("CHANGE", change), train=train, name=name)
        section = spec.data.model_copy(update={"task": "regression", "baselines": ("zero",), **told})
        return spec.model_copy(update={"data": section, "parameters": {"slope": 1.0}})

    return write


def trained(spec: WorkerSpec) -> tuple[Trained, list[Metric]]:
    said: list[object] = []
    result = attempt(spec, said.append)
    assert isinstance(result, Trained), result
    return result, [message for message in said if isinstance(message, Metric)]


def test_the_holdout_is_scored_by_the_platform_with_interval_and_baselines(regression) -> None:
    result, _ = trained(regression())
    metrics = result.metrics
    assert metrics["rmse_low"] < metrics["rmse"] < metrics["rmse_high"]
    assert metrics["rmse_zero"] == pytest.approx(10, abs=1.5)
    assert metrics["skill"] == pytest.approx(1 - metrics["rmse"] / metrics["rmse_zero"])
    assert metrics["skill_low"] > 0.5
    assert metrics["train_rmse"] < metrics["rmse"]
    assert result.label_rate is None
    assert result.signature.output == "value"


def test_parameters_reach_load_so_that_data_may_depend_on_them(regression) -> None:
    steep, _ = trained(regression().model_copy(update={"parameters": {"slope": 3.0}}))
    assert steep.metrics["rmse_zero"] > 25


def test_an_author_s_own_rmse_never_stands_for_the_holdout_s(regression) -> None:
    boasting = TRAIN.replace("return xgboost", "context.log_metric('rmse', 0.0)\n        return xgboost")
    result, said = trained(regression(train=boasting))
    assert result.metrics["rmse"] > 0.5
    assert {point.name for point in said} == {"check_rmse", "rmse"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("frame['late'] = 'much'", "target 'late' is not numeric, it holds 'much': give numbers"),
        ("frame.loc[3, 'late'] = np.inf", "target 'late' is missing or infinite in 1 of 400 rows"),
        ("frame.loc[3, 'zero'] = np.nan", "baseline 'zero' is missing or infinite in some rows"),
        ("frame['zero'] = 'as before'", "baseline 'zero' is not numeric, it holds 'as before'"),
        ("del frame['zero']", "missing columns 'zero'"),
        ("frame['late'] = 1.5", "1 label, two values are needed"),
    ],
)
def test_data_of_a_regression_that_breaks_a_rule_is_rejected(regression, change: str, told: str) -> None:
    result = attempt(regression(change), lambda message: None)
    assert isinstance(result, Failed)
    assert (result.cause, told in result.message) == ("data_rejected", True), result.message


def test_numbers_are_still_no_labels(regression) -> None:
    """The control: what a regression takes, a classification refuses."""
    result = attempt(regression(task="classification", baselines=()), lambda message: None)
    assert isinstance(result, Failed)
    assert "give 0 or 1" in result.message


def test_sizes_are_those_of_the_books() -> None:
    assert sizes([3.0, -4.0]) == {"rmse": math.sqrt(12.5), "mae": 3.5}


def test_an_interval_covers_as_often_as_it_says() -> None:
    """Root mean square of normal errors with spread 2: 95 % intervals of 200 samples, give or take their own chance."""
    draws = np.random.default_rng(5)
    intervals = [rmse_interval(draws.normal(scale=2, size=80), resamples=400) for _ in range(200)]
    covered = np.mean([interval.low <= 2 <= interval.high for interval in intervals])
    assert 0.87 <= covered <= 0.99


def test_skill_is_paired() -> None:
    """Both err together, so that a small advantage is sure though each error by itself is not."""
    shared = np.random.default_rng(6).normal(size=300)
    better = skill_interval(0.98 * shared, shared)
    assert better.value == pytest.approx(0.02)
    assert better.low > 0.019
    assert rmse_interval(shared).high - rmse_interval(shared).low > 0.1


@pytest.mark.parametrize("errors", [[], [float("nan")], [[1.0]]])
def test_what_cannot_be_judged_is_refused(errors: list[float]) -> None:
    with pytest.raises(NotMeasurable, match="cannot be judged"):
        sizes(errors)
