"""How two runs compare: the same bytes, the same numbers, or which metric differs by how much."""

import math
from dataclasses import replace

import pytest

from murmur_trainer.domain.reproduction import Difference, Made, Surroundings, compare

MADE = Made(
    code="c",
    data="d",
    parameters={"depth": 3, "eta": 0.1},
    seed=7,
    surroundings=Surroundings(
        interpreter="CPython 3.11.7", platform="Linux-6", packages={"numpy": "2.4.6"}, hardware={"cores": "2"}
    ),
    model="m",
    metrics={"auc": 0.8, "train_rows": 1000.0},
)


def test_the_same_bytes_are_identical_and_nothing_differs() -> None:
    found = compare(MADE, MADE)
    assert (found.verdict, found.metrics, found.differences) == ("identical", (), ())


@pytest.mark.parametrize(
    ("auc", "rows", "verdict"),
    [
        (0.8, 1000.0, "equivalent"),
        (0.8 + 9e-7, 1000.0, "equivalent"),
        (0.8 + 2e-6, 1000.0, "different"),
        (0.8, 1000.0009, "equivalent"),
        (0.8, 1000.002, "different"),
        (math.nan, 1000.0, "different"),
    ],
)
def test_other_bytes_are_judged_by_the_metrics(auc: float, rows: float, verdict: str) -> None:
    assert compare(MADE, replace(MADE, model="n", metrics={"auc": auc, "train_rows": rows})).verdict == verdict


def test_each_metric_that_differs_is_named_with_by_how_much() -> None:
    (metric,) = compare(MADE, replace(MADE, model="n", metrics={"auc": 0.75, "train_rows": 1000.0})).metrics
    assert (metric.name, metric.original, metric.reproduced) == ("auc", 0.8, 0.75)
    assert metric.difference == pytest.approx(-0.05)


def test_a_metric_that_only_one_measured_matters() -> None:
    found = compare(MADE, replace(MADE, model="n", metrics={"auc": 0.8}))
    assert found.verdict == "different"
    assert [(metric.name, metric.reproduced, metric.difference) for metric in found.metrics] == [
        ("train_rows", None, None)
    ]


def test_a_metric_that_neither_could_measure_is_the_same() -> None:
    one = replace(MADE, metrics={"auc": math.nan})
    found = compare(one, replace(one, model="n", metrics={"auc": math.nan}))
    assert (found.verdict, found.metrics) == ("equivalent", ())


def test_identical_models_may_have_been_made_in_other_circumstances_and_all_of_them_are_named() -> None:
    other = replace(
        MADE,
        code="x",
        data="y",
        parameters={"depth": 3, "eta": 0.2},
        seed=8,
        surroundings=Surroundings(
            interpreter="CPython 3.12.1", platform="Linux-7", packages={"scipy": "1"}, hardware={"cores": "4"}
        ),
    )
    found = compare(MADE, other)
    assert found.verdict == "identical"
    assert found.differences == (
        Difference("code", "code", "c", "x"),
        Difference("data", "snapshot", "d", "y"),
        Difference("parameters", "eta", "0.1", "0.2"),
        Difference("seed", "seed", "7", "8"),
        Difference("environment", "interpreter", "CPython 3.11.7", "CPython 3.12.1"),
        Difference("environment", "numpy", "2.4.6", None),
        Difference("environment", "scipy", None, "1"),
        Difference("environment", "platform", "Linux-6", "Linux-7"),
        Difference("hardware", "cores", "2", "4"),
    )
