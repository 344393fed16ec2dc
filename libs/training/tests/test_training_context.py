"""What a recipe is given, made by hand as in a test of one's own."""

import numpy as np
import pandas as pd
import pytest
import xgboost

from murmur_training import DataContext, Rows, TrainingContext
from murmur_training.messages import Message, Metric, Progress, decode, encode


@pytest.fixture
def some_rows() -> Rows:
    draws = np.random.default_rng(0)
    amount = draws.normal(size=300)
    return Rows(
        X=pd.DataFrame({"amount": amount, "age": draws.normal(size=300)}),
        y=pd.Series((amount > 0).astype(float)),
        identity=pd.Series(np.arange(300).astype(str)),
    )


def test_a_split_keeps_every_row_on_one_side_and_is_the_same_every_time(some_rows: Rows) -> None:
    fit, check = some_rows.split(0.2)
    again, _ = some_rows.split(0.2)

    assert len(fit) + len(check) == 300
    assert not set(fit.identity) & set(check.identity)
    assert 30 < len(check) < 90
    assert list(fit.identity) == list(again.identity)


def test_rows_of_one_identity_stay_together(some_rows: Rows) -> None:
    shared = Rows(X=some_rows.X, y=some_rows.y, identity=pd.Series(np.arange(300) % 30).astype(str))
    fit, check = shared.split(0.3)
    assert not set(fit.identity) & set(check.identity)


def test_the_matrix_has_the_features_names_and_the_labels(some_rows: Rows) -> None:
    matrix = some_rows.matrix()
    assert matrix.feature_names == ["amount", "age"]
    assert matrix.get_label().tolist() == some_rows.y.tolist()


def test_a_logged_metric_is_told_and_one_that_is_no_number_is_refused(some_rows: Rows) -> None:
    said: list[Message] = []
    context = TrainingContext(train=some_rows, emit=said.append)

    context.log_metric("auc", np.float32(0.5), step=3)

    (metric,) = said
    assert isinstance(metric, Metric)
    assert (metric.name, metric.value, metric.step) == ("auc", 0.5, 3)
    with pytest.raises(ValueError, match="'auc' at step 0 is inf"):
        context.log_metric("auc", float("inf"))


def test_progress_stays_between_0_and_1() -> None:
    said: list[Message] = []
    context = DataContext(data_dir=None, emit=said.append)  # type: ignore[arg-type] - no download in this test
    for fraction in (-1, 0.5, 2):
        context.progress(fraction)
    assert [message.fraction for message in said if isinstance(message, Progress)] == [0.0, 0.5, 1.0]


def test_curves_log_every_so_often_and_the_last_round(some_rows: Rows) -> None:
    said: list[Message] = []
    context = TrainingContext(train=some_rows, emit=said.append)
    settings = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"]}

    xgboost.train(
        settings,
        some_rows.matrix(),
        25,
        evals=[(some_rows.matrix(), "all")],
        callbacks=[context.curves(25, every=10)],
        verbose_eval=False,
    )

    steps = [(message.name, message.step) for message in said if isinstance(message, Metric)]
    assert steps == [(name, step) for step in (10, 20, 25) for name in ("log_loss", "auc")]
    assert [message.fraction for message in said if isinstance(message, Progress)] == [0.4, 0.8, 1.0]


def test_curves_of_several_sets_are_told_apart_and_undefined_values_left_out(some_rows: Rows) -> None:
    said: list[Message] = []
    context = TrainingContext(train=some_rows, emit=said.append)
    one_label = xgboost.DMatrix(some_rows.X[some_rows.y == 1], label=some_rows.y[some_rows.y == 1])

    with xgboost.config_context(verbosity=0):  # XGBoost warns of an AUC that is not defined
        xgboost.train(
            {"objective": "binary:logistic", "eval_metric": "auc"},
            some_rows.matrix(),
            2,
            evals=[(some_rows.matrix(), "fit"), (one_label, "check")],
            callbacks=[context.curves(2)],
            verbose_eval=False,
        )

    assert {message.name for message in said if isinstance(message, Metric)} == {"fit_auc"}


def test_a_message_survives_the_pipe() -> None:
    metric = Metric(name="auc", value=0.1 + 0.2, step=1, time="2026-01-01T00:00:00Z")
    assert decode(encode(metric)) == metric
