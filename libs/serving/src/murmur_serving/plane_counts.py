"""MLServer's own metrics of inferences, once a process: each of its servers would register them anew, and fail."""

from collections.abc import Iterator
from contextlib import contextmanager

from mlserver import MLServer
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

_NAMES = ("_ModelInferRequestSuccess", "_ModelInferRequestFailure", "_ModelInferRequestDuration")
_shared: dict[str, MetricWrapperBase] = {}


@contextmanager
def shared_counts(server: MLServer) -> Iterator[None]:
    """Around the making of `server`: its data plane counts with the metrics of the first server of this process."""
    for metric in _shared.values():
        REGISTRY.unregister(metric)
    try:
        yield
        for name in _NAMES:
            made: MetricWrapperBase = getattr(server._data_plane, name)
            REGISTRY.unregister(made)
            setattr(server._data_plane, name, _shared.setdefault(name, made))
    finally:
        for metric in _shared.values():
            REGISTRY.register(metric)


def forget_counts(model: str, version: str) -> None:
    """Nobody asks for that version here any more."""
    for metric in _shared.values():
        metric.remove_by_labels({"model": model, "version": version})
