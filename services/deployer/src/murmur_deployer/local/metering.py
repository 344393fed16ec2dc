"""Reads what a model server has counted from the text that it gives Prometheus."""

import sys
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.traffic import Buckets

_REQUESTS = "murmur_serving_requests"
_LATENCY = "murmur_serving_request_seconds"
_OUTPUTS = "murmur_serving_output"
_REFUSED = ("401", "403")
"""Not the model's doing: who asked may not."""


def counts_in(text: str, *, deployment: str, version: int) -> Counts:
    """Raises ValueError for what is no such text."""
    wanted = {"deployment": deployment, "version": str(version)}
    requests = errors = 0
    buckets: dict[str, list[tuple[float, int]]] = {_LATENCY: [], _OUTPUTS: []}
    for name, sample in _samples(text, wanted):
        if name == _REQUESTS and sample.name.endswith("_total") and sample.labels["status"] not in _REFUSED:
            requests += int(sample.value)
            errors += int(sample.value) if sample.labels["status"] >= "400" else 0
        elif name in buckets and sample.name.endswith("_bucket"):
            unit = 1000 if name == _LATENCY else 1
            buckets[name].append((_bound(sample.labels["le"], unit), int(sample.value)))
    return Counts(requests, errors, _ordered(buckets[_LATENCY]), _ordered(buckets[_OUTPUTS]))


def _samples(text: str, wanted: dict[str, str]) -> Iterator[tuple[str, Sample]]:
    for family in text_string_to_metric_families(text):
        if family.name in (_REQUESTS, _LATENCY, _OUTPUTS):
            for sample in family.samples:
                if wanted.items() <= sample.labels.items():
                    yield family.name, sample


def _bound(text: str, unit: float) -> float:
    """The last one is the largest number, since JSON has none for infinity."""
    return sys.float_info.max if text == "+Inf" else round(float(text) * unit, 9)


def _ordered(buckets: list[tuple[float, int]]) -> Buckets:
    return tuple(sorted(buckets))
