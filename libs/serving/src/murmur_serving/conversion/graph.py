"""Writes a forest as an ONNX model: `input` float32 [n, columns] to `output` float32 [n, 1]."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array

from murmur_serving.conversion.trees import Forest, Leaf, Split

_IR, _OPSET, _TREES_OPSET = 8, 17, 3  # what every ONNX Runtime of the last years reads


def write_graph(forest: Forest) -> bytes:
    nodes: list[NodeProto] = []
    constants: list[TensorProto] = []
    row = "input"
    if forest.sets:
        wide = ["input"]
        for column, sets in forest.sets.items():
            name, more, values = _set_columns(column, sets)
            nodes += more
            constants += values
            wide.append(name)
        nodes.append(make_node("Concat", wide, ["wide"], axis=1))
        row = "wide"
    summed = "margin" if forest.sigmoid else "output"
    nodes.append(_trees(forest, row, summed))
    if forest.sigmoid:
        nodes.append(make_node("Sigmoid", [summed], ["output"]))
    model = _model(nodes, constants, forest.columns)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _model(nodes: list[NodeProto], constants: list[TensorProto], columns: int) -> ModelProto:
    graph = make_graph(
        nodes,
        "murmur",
        [make_tensor_value_info("input", TensorProto.FLOAT, [None, columns])],
        [make_tensor_value_info("output", TensorProto.FLOAT, [None, 1])],
        constants,
    )
    model = make_model(graph, opset_imports=[make_opsetid("", _OPSET), make_opsetid("ai.onnx.ml", _TREES_OPSET)])
    model.ir_version = _IR
    return model


def _set_columns(column: int, sets: tuple[tuple[int, ...], ...]) -> tuple[str, list[NodeProto], list[TensorProto]]:
    """A table with a row a category, one for every category that is in no set, and one for a missing one.

    Categories below 0 and above the last known one are in no set: XGBoost sees them so.
    """
    known = max(max(one) for one in sets) + 1
    none, missing = known, known + 1
    table = np.zeros((known + 2, len(sets)), np.float32)
    for place, categories in enumerate(sets):
        table[list(categories), place] = 1
    table[missing] = np.nan
    of = f"_{column}"
    nodes = [
        make_node("Gather", ["input", f"column{of}"], [f"value{of}"], axis=1),
        make_node("IsNaN", [f"value{of}"], [f"is_missing{of}"]),
        make_node("Less", [f"value{of}", f"zero{of}"], [f"below{of}"]),
        make_node("Clip", [f"value{of}", f"zero{of}", f"none{of}"], [f"clipped{of}"]),
        make_node("Where", [f"below{of}", f"none{of}", f"clipped{of}"], [f"known{of}"]),
        make_node("Where", [f"is_missing{of}", f"missing{of}", f"known{of}"], [f"place{of}"]),
        make_node("Cast", [f"place{of}"], [f"index{of}"], to=TensorProto.INT64),
        make_node("Gather", [f"table{of}", f"index{of}"], [f"sets{of}"], axis=0),
    ]
    constants: dict[str, npt.NDArray[Any]] = {
        "column": np.array(column, np.int64),
        "zero": np.array(0, np.float32),
        "none": np.array(none, np.float32),
        "missing": np.array(missing, np.float32),
        "table": table,
    }
    return f"sets{of}", nodes, [from_array(value, f"{name}{of}") for name, value in constants.items()]


def _trees(forest: Forest, row: str, output: str) -> NodeProto:
    columns: dict[str, Any] = {name: [] for name in _NODE}
    leaves: dict[str, Any] = {name: [] for name in _LEAF}
    begin = (Leaf(forest.margin),)  # the first summand, as in XGBoost: float32 sums depend on their order
    for tree, nodes in enumerate((begin, *forest.trees)):
        for number, node in enumerate(nodes):
            for name, value in zip(_NODE, _described(tree, number, node), strict=True):
                columns[name].append(value)
            if isinstance(node, Leaf):
                for name, weight in zip(_LEAF, (tree, number, 0, node.weight), strict=True):
                    leaves[name].append(weight)
    return make_node(
        "TreeEnsembleRegressor",
        [row],
        [output],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        **columns,
        **leaves,
    )


_NODE = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_modes",
    "nodes_featureids",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_missing_value_tracks_true",
)
_LEAF = ("target_treeids", "target_nodeids", "target_ids", "target_weights")


def _described(tree: int, number: int, node: Split | Leaf) -> Iterator[float | int | str]:
    yield tree
    yield number
    match node:
        case Leaf():
            yield from ("LEAF", 0, 0.0, 0, 0, 0)
        case Split(column, threshold, left, right, missing_left):
            yield from ("BRANCH_LT", column, threshold, left, right, int(missing_left))
