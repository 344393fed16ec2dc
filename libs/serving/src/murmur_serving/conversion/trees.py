"""Reads the trees of an XGBoost model (its JSON form, of versions 2 and 3) as one list of nodes over a widened row.

XGBoost asks `value < threshold ? left : right`, in float32, and sends a missing value where the node says. A
categorical node asks whether the category is in a set: right if it is, left if not. ONNX trees know no sets that ONNX
Runtime would look up in one step, so each set becomes a further column of the row, 1 where the category is in it, 0
where not, and missing where the category is missing; the node then asks `column < 0.5`.

Sources: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html, and XGBoost's `Decision` in
src/common/categorical.h for what becomes of categories that no set names.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_BOOSTERS = ("gbtree", "dart")
_SIGMOID = ("binary:logistic", "reg:logistic")
_IDENTITY = ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "binary:logitraw")


class NotConvertible(Exception):
    """The model has something that the conversion does not know; XGBoost itself serves it. Says what."""


@dataclass(frozen=True)
class Split:
    """column < threshold ? left : right; `missing_left` where the value is missing."""

    column: int
    threshold: float
    left: int
    right: int
    missing_left: bool


@dataclass(frozen=True)
class Leaf:
    weight: float


@dataclass(frozen=True)
class Forest:
    """trees: each a list of nodes, the root first, children by index. A row has `columns` values, then one a set.

    sets: by input column, what its further columns stand for; they follow each other in this order.
    margin: what the sum of the leaves begins with. sigmoid: whether the output is the logistic function of that sum.
    """

    columns: int
    trees: tuple[tuple[Split | Leaf, ...], ...]
    sets: dict[int, tuple[tuple[int, ...], ...]]
    margin: float
    sigmoid: bool


def read_forest(model: bytes) -> Forest:
    """model: what `Booster.save_raw("json")` gives. Raises NotConvertible."""
    learner = json.loads(model)["learner"]
    parameters, objective = learner["learner_model_param"], learner["objective"]["name"]
    booster = learner["gradient_booster"]
    _refuse_unknown(parameters, objective, booster["name"])
    weights = [1.0]
    if booster["name"] == "dart":
        weights, booster = booster["weight_drop"], booster["gbtree"]
    trees = booster["model"]["trees"]
    if any(tree["tree_param"]["size_leaf_vector"] not in ("0", "1") for tree in trees):
        raise NotConvertible("its leaves are vectors")
    columns = int(parameters["num_feature"])
    sets = _SetColumns(columns, trees)
    return Forest(
        columns=columns,
        trees=tuple(
            tuple(_nodes(tree, sets, weights[number] if len(weights) > 1 else 1.0)) for number, tree in enumerate(trees)
        ),
        sets=sets.by_column,
        margin=_margin(parameters["base_score"], logistic=objective in _SIGMOID),
        sigmoid=objective in _SIGMOID,
    )


def _refuse_unknown(parameters: dict[str, str], objective: str, booster: str) -> None:
    if booster not in _BOOSTERS:
        raise NotConvertible(f"its booster is {booster!r}")
    if objective not in (*_SIGMOID, *_IDENTITY):
        raise NotConvertible(f"its objective is {objective!r}")
    if int(parameters["num_class"]) > 1 or int(parameters.get("num_target", "1")) > 1:
        raise NotConvertible("it gives more than one output a row")


def _margin(base_score: str, *, logistic: bool) -> float:
    """XGBoost 2 writes one number, XGBoost 3 a list of one; both as outputs, not as margins."""
    read = json.loads(base_score)
    score = np.float32(read[0] if isinstance(read, list) else read)
    return float(-np.log(np.float32(1) / score - np.float32(1))) if logistic else float(score)


@dataclass
class _SetColumns:
    """Gives every set of categories that some node asks for a column of its own, behind those of the input."""

    columns: int
    trees: list[dict[str, Any]]
    by_column: dict[int, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    _place: dict[tuple[int, tuple[int, ...]], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = {(tree["split_indices"][node], asked) for tree in self.trees for node, asked in _sets_of(tree)}
        for column, categories in sorted(asked):
            self._place[column, categories] = self.columns + len(self._place)
            self.by_column[column] = (*self.by_column.get(column, ()), categories)

    def place(self, column: int, categories: tuple[int, ...]) -> int:
        return self._place[column, categories]


def _sets_of(tree: dict[str, Any]) -> Iterator[tuple[int, tuple[int, ...]]]:
    for node, begin, size in zip(
        tree["categories_nodes"], tree["categories_segments"], tree["categories_sizes"], strict=True
    ):
        yield node, tuple(sorted(tree["categories"][begin : begin + size]))


def _nodes(tree: dict[str, Any], sets: _SetColumns, weight: float) -> Iterator[Split | Leaf]:
    asked = dict(_sets_of(tree))
    for node, (left, right) in enumerate(zip(tree["left_children"], tree["right_children"], strict=True)):
        value, column = tree["split_conditions"][node], tree["split_indices"][node]
        if left == -1:
            yield Leaf(float(np.float32(value) * np.float32(weight)))
            continue
        if node in asked:
            column, value = sets.place(column, asked[node]), 0.5
        if not math.isfinite(value):
            raise NotConvertible(f"a node asks for {value!r}")
        yield Split(column, value, left, right, bool(tree["default_left"][node]))
