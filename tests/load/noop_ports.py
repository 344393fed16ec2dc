"""Ports that do nothing, so that the choreography is what is measured: all between the ports is the product's."""

from collections.abc import Collection
from typing import Any

import numpy as np

from murmur_deployer.domain.canary import Counts
from murmur_deployer.domain.replicas import ProcessId, Replica
from murmur_deployer.domain.routing import RoutingTable
from murmur_deployer.domain.traffic import Traffic
from murmur_events.models import VersionState
from murmur_events.values import ColumnSpec, Signature
from murmur_events.workflows import Limits
from murmur_training.process import OnMessages
from murmur_training.snapshot import HOLDOUT, TRAIN
from murmur_training.spec import LOG, MODEL, PROBE, REFERENCE, Trained, WorkerResult, WorkerSpec
from murmur_validator.domain.measurements import Estimate, Measurements, Metric
from murmur_validator.ports import Dossier, Evidence, Material, Scores

_PROBE = b'{"request": {"inputs": []}, "outputs": [0.5]}'


async def train_nothing(spec: WorkerSpec, limits: Limits, on_messages: OnMessages) -> WorkerResult:
    """Leaves the files that a worker leaves, a few bytes each: the trainer stores them as it stores any."""
    spec.work.mkdir(parents=True, exist_ok=True)
    for name in (MODEL, REFERENCE, TRAIN, HOLDOUT, LOG):
        (spec.work / name).write_bytes(b"nothing")
    (spec.work / PROBE).write_bytes(_PROBE)
    return Trained(
        digest="0" * 64,
        train_rows=1,
        holdout_rows=1,
        label_rate=0.5,
        periods=("p",),
        metrics={},
        signature=Signature(inputs=(ColumnSpec(name="x"),)),
    )


class NothingToMeasure:
    """Every candidate is a little better than what serves."""

    async def measure(self, material: Material) -> Evidence:
        good = {metric: Estimate(value=0.9, low=0.9, high=0.9) for metric in Metric}
        better = {
            metric: Estimate(value=sign * 0.02, low=sign * 0.01, high=sign * 0.03)
            for metric in Metric
            for sign in [-1 if metric.less_is_better else 1]
        }
        empty = np.empty(0)
        return Evidence(
            measurements=Measurements(
                rows=1,
                positives=1,
                left_out=0,
                candidate=good,
                baseline=good if material.baseline else {},
                differences=better if material.baseline else {},
                columns=(),
                groups=(),
            ),
            scores=Scores(labels=empty, candidate=empty, baseline=empty if material.baseline else None),
            resamples=0,
        )


class NothingToReport:
    async def render(self, dossier: Dossier) -> bytes:
        return b"nothing"


class NothingServes:
    """Replicas that are there as soon as they are wanted."""

    def __init__(self) -> None:
        self._started: dict[str, ProcessId] = {}

    async def start(self, replica: Replica, state: VersionState) -> ProcessId:
        return self._started.setdefault(replica.name, ProcessId(1, float(len(self._started))))

    async def find(self, replica: Replica) -> ProcessId | None:
        return self._started.get(replica.name)

    async def counts(self, replica: Replica) -> Counts | None:
        return None

    async def memory(self, process: ProcessId) -> int:
        return 0

    async def ready(self, replica: Replica) -> bool:
        return True

    async def probe(self, replica: Replica, request: dict[str, Any]) -> tuple[float, ...]:
        return (0.5,)

    async def stop(self, replica: Replica) -> None:
        self._started.pop(replica.name, None)

    async def last_words(self, replica: Replica) -> str:
        return ""

    async def names(self) -> Collection[str]:
        return ()

    def choose_ports(self, in_use: Collection[int], *, rather: tuple[int, int] | None = None) -> tuple[int, int]:
        first = max(in_use, default=0) + 1
        return rather or (first, first + 1)


class NothingRoutes:
    async def apply(self, table: RoutingTable) -> None:
        """Any table is as good as another."""

    async def traffic(self) -> dict[str, Traffic]:
        return {}

    async def active_requests(self, replica: Replica) -> int | None:
        return 0
