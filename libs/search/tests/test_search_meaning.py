"""The meaning of a filter, case by case: NULL, NaN, several datasets, patterns, words, orders."""

import math

import pytest

from murmur_search import EXPERIMENTS, RUNS, parse_filter, parse_order
from murmur_search.evaluate import Entity, evaluate, ordered
from murmur_search.words import text_of, words

RUN = Entity(
    attributes={"run_id": "r", "run_name": "Night Shift", "status": "FINISHED", "start_time": 10, "end_time": None},
    metrics={"auc": 0.5, "loss": math.nan, "top": math.inf},
    params={"lr": "0.1", "empty": ""},
    tags={"team": "Größe", "t": "a\nb"},
    datasets=({"name": "a", "digest": "1", "context": "train"}, {"name": "b", "digest": "2", "context": None}),
    words=text_of(
        "Night Shift", "learning-rate study", {"team": "Größe", "mlflow.user": "bob", "mlflow.note.content": "Café"}
    ),
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("metrics.auc = 0.5", True),
        ("metrics.none != 5", False),  # what is not there meets nothing,
        ("NOT metrics.none = 5", False),  # nor does it under NOT,
        ("metrics.none IS NULL", True),
        ("NOT metrics.none IS NOT NULL", True),
        ("NOT (metrics.none = 5 AND metrics.auc = 9)", True),  # unless the rest decides
        ("NOT (metrics.none = 5 OR metrics.auc = 9)", False),
        ("metrics.none = 5 OR metrics.auc = 0.5", True),
        ("metrics.none NOT IN (1)", False),
        ("params.none NOT LIKE 'x'", False),
        ("end_time < 5", False),
        ("end_time IS NULL", True),
        ("params.empty IS NOT NULL", True),
        ("params.empty = ''", True),
        ("metrics.loss != 1", True),  # NaN
        ("metrics.loss = 0", False),
        ("metrics.loss < 1 OR metrics.loss >= 1", False),
        ("NOT metrics.loss < 1", True),
        ("metrics.loss IN (0)", False),
        ("metrics.loss NOT IN (0)", True),
        ("metrics.loss IS NULL", False),
        ("metrics.top > 1e308", True),
        ("dataset.name = 'a' AND dataset.name = 'b'", True),  # several datasets: one each
        ("dataset.name != 'a'", True),
        ("NOT dataset.name = 'a'", False),
        ("NOT dataset.name = 'c'", True),
        ("dataset.name NOT IN ('a')", True),
        ("NOT dataset.name IN ('a')", False),
        ("dataset.context != 'train'", False),
        ("dataset.context IS NULL", False),
        ("run_name LIKE 'night%'", False),
        ("run_name ILIKE 'night%'", True),
        ("run_name LIKE '%S_ift'", True),
        ("run_name LIKE 'Night'", False),
        ("tags.team ILIKE 'GRÖßE'", True),
        ("tags.t LIKE 'a_b'", True),
        ("tags.t LIKE 'a%b'", True),
        ("tags.t LIKE 'a'", False),
        ("text MATCH 'shift NIGHT'", True),
        ("text MATCH 'nigh'", False),
        ("text MATCH 'nigh*'", True),
        ("text MATCH 'learning rate grosse cafe'", True),
        ("text MATCH 'night day'", False),
        ("NOT text MATCH 'day'", True),
        ("text MATCH 'bob'", False),  # a tag that MLflow set
        ("text MATCH 'team'", True),
    ],
)
def test_meaning(text: str, holds: bool) -> None:
    assert evaluate(parse_filter(text, RUNS), RUN) is holds


def test_what_is_absent_comes_last_in_either_direction() -> None:
    values = {"nan": math.nan, "low": 1.0, "inf": math.inf, "high": 2.0, "less": -math.inf}
    things = ["none", *values]

    def entity(name: str) -> Entity:
        metrics = {"m": values[name]} if name in values else {}
        return Entity(attributes={"run_id": name, "start_time": None}, metrics=metrics)

    up = ordered(things, parse_order(["metrics.m"], RUNS), RUNS, entity)
    down = ordered(things, parse_order(["metrics.m DESC"], RUNS), RUNS, entity)
    assert up == ["less", "low", "high", "inf", "nan", "none"]
    assert down == ["inf", "high", "low", "less", "nan", "none"]


def test_experiment_ids_are_ordered_as_numbers() -> None:
    def entity(name: str) -> Entity:
        return Entity(attributes={"experiment_id": name, "creation_time": 1})

    assert ordered(["10", "9"], (), EXPERIMENTS, entity) == ["9", "10"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a-b_c.d", ["a", "b", "c", "d"]),
        ("ÀÉ ñ Straße", ["ae", "n", "strasse"]),
        ("模型 v2", ["模型", "v2"]),
        ("İstanbul", ["istanbul"]),
        ("…", []),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert words(text) == found
