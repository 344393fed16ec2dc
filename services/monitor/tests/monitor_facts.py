"""What the monitor hears in its tests: events as others publish them, about people whose truth is known."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet

from murmur_events.base import DeploymentName, ModelName, RunId, WorkflowName
from murmur_events.deployments import ModelDeployed
from murmur_events.models import VersionState
from murmur_events.serving import PredictionLogged
from murmur_events.values import Artifact, ColumnSpec, DatasetRef, ModelArtifacts, Signature
from murmur_events.workflows import (
    DataSection,
    DriftSection,
    MonitoringSection,
    QualitySection,
    WorkflowApplied,
    WorkflowDefinition,
)
from murmur_monitor.domain.folding import FloatArray

DIGEST = "0" * 64
START = datetime(2026, 1, 1, tzinfo=UTC)
COLUMNS = ("amount", "income", "education")
"""Two amounts and one category."""

ARTIFACT = Artifact(uri="file:///nowhere", sha256=DIGEST, size=0)


class People:
    """Draws rows of a made-up population whose truth is known: log-normal amounts, four kinds of education."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def rows(
        self, count: int, *, shift: float = 0.0, scale: float = 1.0, education: tuple[float, ...] = ()
    ) -> FloatArray:
        """Features in the order of COLUMNS, and the output. `shift` moves the amount, in standard deviations."""
        draw = self._random
        amount = np.exp(draw.normal(10 + shift, 1.0, count))
        income = np.exp(draw.normal(8, scale, count))
        kinds = draw.choice(4, count, p=education or (0.35, 0.45, 0.15, 0.05))
        output = 1 / (1 + np.exp(-(np.log(amount) - 10) + 0.3 * kinds - draw.normal(0, 0.2, count)))
        return np.column_stack([amount, income, kinds, output])


def parquet_of(rows: FloatArray) -> bytes:
    names = (*COLUMNS, "prediction")
    sink = BytesIO()
    parquet.write_table(pa.table({name: rows[:, index] for index, name in enumerate(names)}), sink)
    return sink.getvalue()


def workflow_applied(
    workflow: str = "credit",
    *,
    revision: int = 1,
    window: timedelta = timedelta(minutes=5),
    min_rows: int = 100,
    p_value: float = 0.001,
    **quality: Any,
) -> WorkflowApplied:
    """quality: settings of that section."""
    definition = WorkflowDefinition(
        name=WorkflowName(workflow),
        data=DataSection(target="default", features=COLUMNS, identity="id", period="quarter"),
        monitoring=MonitoringSection(
            window=window,
            min_rows=min_rows,
            drift=DriftSection(p_value=p_value, engine="scipy"),
            quality=QualitySection(**quality),
        ),
    )
    return WorkflowApplied(workflow=WorkflowName(workflow), revision=revision, definition=definition, code=ARTIFACT)


def model_deployed(name: str = "credit", *, version: int = 1, reference: Artifact = ARTIFACT) -> ModelDeployed:
    inputs = (ColumnSpec(name="amount"), ColumnSpec(name="income"), ColumnSpec(name="education", dtype="category"))
    dataset = DatasetRef(
        name="d", digest=DIGEST, train=ARTIFACT, holdout=ARTIFACT, train_rows=1, holdout_rows=1, as_of="2026-01-01"
    )
    state = VersionState(
        model=ModelName(name),
        version=version,
        workflow=WorkflowName(name),
        revision=1,
        run_id=RunId("r-1"),
        artifacts=ModelArtifacts(
            model=ARTIFACT,
            signature=Signature(inputs=inputs),
            probe=ARTIFACT,
            reference=reference,
            dataset=dataset,
        ),
        metrics={},
    )
    return ModelDeployed(
        deployment=DeploymentName(name),
        model=ModelName(name),
        version=version,
        replaces=None,
        replica=f"{name}-{version}",
        endpoint=f"/v2/models/{name}",
        state=state,
    )


def predictions(
    rows: FloatArray,
    times: Iterable[datetime],
    *,
    name: str = "credit",
    version: int = 1,
    offset: int = 0,
    segment: str = "segment",
    statuses: Mapping[int, int] | None = None,
) -> PredictionLogged:
    """A batch of successful predictions but where `statuses` says otherwise; row i took i % 50 + 1 milliseconds."""
    count = len(rows)
    return PredictionLogged(
        deployment=DeploymentName(name),
        shard=0,
        model=ModelName(name),
        version=version,
        model_sha256=DIGEST,
        replica=f"{name}-{version}",
        segment=segment,
        offset=offset,
        request_ids=tuple(f"q-{offset + row}" for row in range(count)),
        times=tuple(times),
        latencies_ms=tuple(float((offset + row) % 50 + 1) for row in range(count)),
        statuses=tuple((statuses or {}).get(row, 200) for row in range(count)),
        features={column: tuple(rows[:, index].tolist()) for index, column in enumerate(COLUMNS)},
        outputs=tuple(rows[:, -1].tolist()),
    )


def spread(count: int, *, start: datetime = START, over: timedelta = timedelta(minutes=5)) -> list[datetime]:
    """Moments evenly spread over a window."""
    return [start + over * row / count for row in range(count)]
