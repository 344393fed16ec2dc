"""Which engine serves a model: that of its format, or ONNX Runtime for an XGBoost model that was shown to be equal."""

import asyncio
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import structlog

from murmur_serving.config import ReplicaConfig
from murmur_serving.conversion.files import converted, sha256_of
from murmur_serving.engines.port import Matrix, Outputs, Predictor, Unfit
from murmur_serving.errors import ModelRefused

BATCH_FROM = 256
"""Rows from which XGBoost is as fast as ONNX Runtime on one core (README: measured)."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Engine:
    """name: as metadata and metrics say it."""

    name: str
    predictor: Predictor


class Combined:
    """Two engines that answer equally: one for few rows, one for many."""

    takes_missing = True

    def __init__(self, few: Predictor, many: Predictor) -> None:
        self._few = few
        self._many = many

    def predict(self, rows: Matrix) -> Outputs:
        return (self._few if len(rows) < BATCH_FROM else self._many).predict(rows)


async def choose(directory: Path, config: ReplicaConfig) -> Engine:
    """Loads the model, from bytes whose digest was checked, and all that serving it needs. Raises ModelRefused."""
    content = await asyncio.to_thread(_content, directory / config.model_file, config)
    try:
        return await _engine(directory, content, config)
    except Unfit as error:
        raise ModelRefused(f"{config.title} {error}") from error


async def _engine(directory: Path, content: bytes, config: ReplicaConfig) -> Engine:
    match config.format:
        case "onnx":
            await _imported("onnx")
            from murmur_serving.engines.onnx import OnnxPredictor

            return Engine("onnxruntime", await asyncio.to_thread(OnnxPredictor.load, content, config.signature))
        case "skops":
            if sys.modules.get("sklearn", config) is None:  # see __main__
                del sys.modules["sklearn"]
            await _imported("sklearn")
            from murmur_serving.engines.sklearn import SklearnPredictor

            return Engine("scikit-learn", await asyncio.to_thread(SklearnPredictor.load, content, config.signature))
        case "xgboost-ubj":
            return await _xgboost(directory, content, config)


async def _xgboost(directory: Path, content: bytes, config: ReplicaConfig) -> Engine:
    await _imported("xgb")
    from murmur_serving.engines.xgb import XGBoostPredictor

    original = await asyncio.to_thread(XGBoostPredictor.load, content, config.signature)
    if not config.convert:
        return Engine("xgboost", original)
    proof, onnx = await converted(directory, config)
    about = {"deployment": config.deployment, "version": config.version}
    if proof.refusal:
        log.warning("xgboost_serves", reason=proof.refusal, **about)
        return Engine("xgboost", original)
    await _imported("onnx")
    from murmur_serving.engines.onnx import OnnxPredictor

    few = await asyncio.to_thread(OnnxPredictor.load, onnx, config.signature)
    log.info("onnx_serves", rows=proof.rows, largest_difference=proof.largest_difference, **about)
    return Engine("onnxruntime", Combined(few=few, many=original))


async def _imported(engine: str) -> None:
    """Takes seconds, in which neighbours in the same process go on answering."""
    await asyncio.to_thread(import_module, f"murmur_serving.engines.{engine}")


def _content(path: Path, config: ReplicaConfig) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelRefused(f"the model file {str(path)!r} cannot be read: {error.strerror}") from error
    digest = sha256_of(content)
    if digest != config.sha256:
        raise ModelRefused(
            f"the model file {str(path)!r} was changed: its sha256 is {digest!r}, {config.title} was registered with"
            f" {config.sha256!r}; deploy the version again"
        )
    return content
