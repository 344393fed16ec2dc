"""ONNX Runtime on one thread: models that were registered as ONNX, and XGBoost's that were converted."""

import math
from typing import Any, Self

import numpy as np
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NotImplemented

from murmur_events.values import Signature
from murmur_serving.engines.port import Matrix, Outputs, Unfit

_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


class OnnxPredictor:
    """Takes models with one input [n, columns] of float or double, and gives one number a row.

    That number is the output named by the signature, else the only output, else the output after the labels. As
    scikit-learn's converters write classifiers, an output that follows labels may have two columns, of which the last
    one counts: the probability of the second class. A shape that the model does not tell is looked at in its answers.
    """

    takes_missing = True

    def __init__(self, session: onnxruntime.InferenceSession, signature: Signature) -> None:
        self._session = session
        given, *others = session.get_inputs()
        if others or given.type not in _TYPES:
            raise Unfit(
                f"takes {[(one.name, one.type) for one in session.get_inputs()]!r}: it must take one"
                f" tensor of floats or doubles"
            )
        if given.shape and isinstance(given.shape[0], int):
            raise Unfit(
                f"takes {given.shape[0]} rows at once, no more and no fewer: export it with a free first dimension"
            )
        width = len(signature.inputs)
        if len(given.shape) != 2 or (given.shape[1] not in (width, None) and not isinstance(given.shape[1], str)):
            raise Unfit(f"takes {given.shape!r}, its signature names {width} columns")
        self._input = given.name
        self._type = _TYPES[given.type]
        chosen, self._columns = _output_of(session.get_outputs(), signature)
        self._outputs = [chosen]

    @classmethod
    def load(cls, content: bytes, signature: Signature) -> Self:
        """content: bytes whose digest was checked. Raises Unfit."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3  # errors: it warns of unused constants and the like
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except (Fail, InvalidGraph, InvalidProtobuf, NotImplemented) as error:
            raise Unfit(f"is no ONNX model that ONNX Runtime runs: {_line(error)}") from error
        return cls(session, signature)

    def predict(self, rows: Matrix) -> Outputs:
        (found,) = self._session.run(self._outputs, {self._input: rows.astype(self._type)})
        outputs = np.asarray(found, dtype=np.float64).reshape(len(rows), -1)
        if outputs.shape[1] > self._columns:
            raise ValueError(f"it gives {outputs.shape[1]} numbers a row, not {self._columns} at most")
        return outputs[:, -1]


def _output_of(outputs: list[Any], signature: Signature) -> tuple[str, int]:
    """Its name, and how many columns it may have. Raises Unfit."""
    named = [one for one in outputs if one.name == signature.output]
    chosen = (named or (outputs if len(outputs) == 1 else outputs[1:2]))[0]
    if chosen.type not in _TYPES:
        raise Unfit(
            f"gives {chosen.name!r} as {chosen.type!r}: it must be a tensor of floats or doubles"
            f" (skl2onnx: options={{'zipmap': False}})"
        )
    most = 1 if chosen is outputs[0] else 2
    if math.prod(size for size in chosen.shape[1:] if isinstance(size, int)) > most:
        raise Unfit(
            f"gives {chosen.name!r} as {chosen.shape!r}: it must be one number a row, or after the labels the"
            f" probabilities of two classes"
        )
    return chosen.name, most


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
