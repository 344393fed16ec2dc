"""Predictions and labels as they reach the label book, with a truth that is known."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np
from monitor_facts import DIGEST, START, spread

from murmur_events.base import DeploymentName, ModelName
from murmur_events.serving import FeedbackRecorded, PredictionLogged


class Population:
    """Requests whose truth is known: `output` is a probability that tells them apart, or, spoilt, tells nothing."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def rows(self, count: int, *, spoilt: bool = False) -> tuple[list[float], list[float]]:
        """Outputs and labels."""
        truth = (self._random.random(count) < 0.3).astype(float)
        scores = self._random.normal(np.where(truth == 1, 1.5, 0.0) * (not spoilt), 1.0)
        outputs = 1 / (1 + np.exp(-(scores - 0.75)))
        return outputs.tolist(), truth.tolist()


def names(count: int, prefix: str = "q") -> tuple[str, ...]:
    return tuple(f"{prefix}-{number}" for number in range(count))


def logged(
    request_ids: Sequence[str],
    *,
    outputs: Sequence[float | None] | None = None,
    start: datetime = START,
    over: timedelta = timedelta(minutes=5),
    version: int = 1,
    segment: str = "segment",
    offset: int = 0,
    statuses: Sequence[int] | None = None,
    name: str = "credit",
) -> PredictionLogged:
    """Predictions spread over a window; those of one request that follow each other have one time, but failed ones."""
    count = len(request_ids)
    statuses = tuple(statuses or (200,) * count)
    times = spread(count, start=start, over=over)
    for row in range(1, count):
        if request_ids[row] == request_ids[row - 1] and max(statuses[row - 1 : row + 1]) < 400:
            times[row] = times[row - 1]
    return PredictionLogged(
        deployment=DeploymentName(name),
        shard=0,
        model=ModelName(name),
        version=version,
        model_sha256=DIGEST,
        replica=f"{name}-{version}",
        segment=segment,
        offset=offset,
        request_ids=tuple(request_ids),
        times=tuple(times),
        latencies_ms=(1.0,) * count,
        statuses=statuses,
        features={"amount": (1.0,) * count},
        outputs=tuple(outputs or (0.5,) * count),
    )


def feedback(
    request_ids: Iterable[str],
    labels: Iterable[float],
    *,
    known: datetime = START + timedelta(minutes=1),
    source: str = "labels",
    name: str = "credit",
) -> FeedbackRecorded:
    request_ids = tuple(request_ids)
    return FeedbackRecorded(
        deployment=DeploymentName(name),
        shard=0,
        request_ids=request_ids,
        times=(known,) * len(request_ids),
        labels=tuple(labels),
        source=source,
    )
