"""Facts about one run as the trainer publishes them."""

from datetime import UTC, datetime, timedelta

from murmur_events.runs import MetricPoint, Provenance, RunCompleted, RunFailed, RunLogged, RunStarted
from murmur_events.training import Trigger
from murmur_events.values import Artifact, ColumnSpec, DatasetRef, ModelArtifacts, Signature

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TRIGGER = Trigger(kind="schedule", key="2005-10-01T00:00:00+00:00")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def artifact(name: str) -> Artifact:
    return Artifact(uri=f"file:///artifacts/{name}", sha256=name.encode().hex().ljust(64, "0")[:64], size=1)


def provenance(seed: int = 1) -> Provenance:
    return Provenance(code=artifact("code"), environment=artifact("env"), seed=seed, revision=1)


def dataset(digest: str = "d" * 64) -> DatasetRef:
    return DatasetRef(
        name="credit",
        digest=digest,
        train=artifact("train"),
        holdout=artifact("holdout"),
        train_rows=750,
        holdout_rows=250,
        as_of="2005-10-01",
    )


def started(
    run_id: str = "run-1",
    *,
    attempt: int = 1,
    workflow: str = "credit",
    parameters: dict[str, bool | int | float | str] | None = None,
    begin: float = 0,
) -> RunStarted:
    return RunStarted(
        run_id=run_id,
        workflow=workflow,
        revision=1,
        trigger=TRIGGER,
        as_of=NOON,
        attempt=attempt,
        parameters=parameters or {"max_depth": 4, "eta": 0.1},
        provenance=provenance(),
        started_at=at(begin + attempt),
    )


def logged(
    run_id: str = "run-1",
    *,
    attempt: int = 1,
    step: int = 0,
    value: float = 0.7,
    lines: tuple[str, ...] = (),
    progress: float | None = None,
) -> RunLogged:
    point = MetricPoint(name="auc", step=step, value=value, time=at(step))
    return RunLogged(
        run_id=run_id, workflow="credit", attempt=attempt, metrics=(point,), lines=lines, progress=progress
    )


def completed(
    run_id: str = "run-1",
    *,
    attempt: int = 1,
    workflow: str = "credit",
    parameters: dict[str, bool | int | float | str] | None = None,
    auc: float = 0.78,
    begin: float = 0,
) -> RunCompleted:
    return RunCompleted(
        run_id=run_id,
        workflow=workflow,
        revision=1,
        trigger=TRIGGER,
        as_of=NOON,
        attempt=attempt,
        parameters=parameters or {"max_depth": 4, "eta": 0.1},
        provenance=provenance(),
        metrics={"auc": auc},
        dataset=dataset(),
        model=ModelArtifacts(
            model=artifact("model"),
            signature=Signature(inputs=(ColumnSpec(name="age"),)),
            probe=artifact("probe"),
            reference=artifact("reference"),
            dataset=dataset(),
        ),
        log=artifact("log"),
        started_at=at(begin + attempt),
        ended_at=at(begin + 60),
    )


def failed(run_id: str = "run-1", *, attempt: int = 1, begin: float = 0) -> RunFailed:
    return RunFailed(
        run_id=run_id,
        workflow="credit",
        revision=1,
        trigger=TRIGGER,
        attempt=attempt,
        cause="code_raised",
        message="train.py raised ValueError: no rows",
        log=artifact("log"),
        started_at=at(begin + attempt),
        ended_at=at(begin + 50),
    )
