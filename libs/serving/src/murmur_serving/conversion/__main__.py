"""`python -m murmur_serving.conversion <replica directory>`: converts its XGBoost model and proves the result."""

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from murmur_serving.config import REFERENCE_FILE, ReplicaConfig, read_replica
from murmur_serving.conversion.files import ConvertedFiles, kept_files, put, sha256_of
from murmur_serving.conversion.proof import Proof, compare, sample
from murmur_serving.conversion.trees import NotConvertible, read_forest


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m murmur_serving.conversion", description=__doc__)
    parser.add_argument("directory", type=Path, help="of the replica")
    parser.add_argument("--parent", type=int, help="process with which this one ends")
    given = parser.parse_args()
    if given.parent is not None:
        _die_with(given.parent)
    directory: Path = given.directory
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # XGBoost would import it: 3 s for nothing
    config = read_replica(directory)
    files = kept_files(directory, config)
    try:
        proof = _converted(directory, config, files)
    except NotConvertible as error:
        proof = Proof(refusal=f"the model cannot be converted: {error}")
    if proof.refusal:
        files = ConvertedFiles(directory, config.sha256)
    put(files.proof, proof.model_dump_json().encode())


def _converted(directory: Path, config: ReplicaConfig, files: ConvertedFiles) -> Proof:
    from murmur_serving.conversion.graph import write_graph
    from murmur_serving.engines.onnx import OnnxPredictor
    from murmur_serving.engines.xgb import XGBoostPredictor

    original = XGBoostPredictor.load((directory / config.model_file).read_bytes(), config.signature)
    _refuse_fractions(original.feature_types, config)
    content = write_graph(read_forest(original.as_json()))
    columns = tuple(column.name for column in config.signature.inputs)
    try:
        rows = sample(directory / REFERENCE_FILE, columns)
    except FileNotFoundError:
        return Proof(refusal="there is no reference to compare on")
    except (OSError, ValueError) as error:
        return Proof(refusal=f"the reference cannot be compared on: {error}")
    converted = OnnxPredictor.load(content, config.signature)
    proof = compare(rows, original.predict, converted.predict, onnx_sha256=sha256_of(content))
    if not proof.refusal:
        put(files.onnx, content)
    return proof


def _refuse_fractions(types: Sequence[str] | None, config: ReplicaConfig) -> None:
    """XGBoost cuts a category like 2.5 to 2; the tables of sets do too, but nobody has shown it for such columns."""
    for kind, column in zip(types or (), config.signature.inputs, strict=False):
        if kind == "c" and column.dtype == "float":
            raise NotConvertible(f"column {column.name!r} is a category in the model and a fraction in the signature")


def _die_with(parent: int) -> None:
    """Linux kills this process as soon as the replica that waits for it is gone, however that ended."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the replica that wanted this conversion is gone already")


if __name__ == "__main__":
    main()
