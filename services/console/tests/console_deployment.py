"""A made-up story of the deployment fraud: it grows, a canary passes, the next is rolled back; batches, drift."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from console_events import Teller, artifact, dataset
from console_story import apply_workflow

from murmur_events import Envelope
from murmur_events.base import DeploymentName, ModelName, RunId, WorkflowName
from murmur_events.batches import BatchCompleted, BatchFailed, BatchRequested
from murmur_events.deployments import (
    CanaryJudged,
    CanaryStarted,
    CanaryTest,
    DeploymentRolledBack,
    DeploymentScaled,
    ModelDeployed,
)
from murmur_events.models import VersionState
from murmur_events.monitoring import DriftDetected, FeatureDrift, PerformanceDegraded, WindowMeasured
from murmur_events.values import ColumnSpec, Interval, ModelArtifacts, Signature
from murmur_events.workflows import DataSection, WorkflowApplied, WorkflowDefinition

FRAUD = DeploymentName("fraud")
STEPS = (0.05, 0.25, 0.5)
COLUMNS = (
    ColumnSpec(name="amount"),
    ColumnSpec(name="hour", dtype="integer"),
    ColumnSpec(name="terminal_kind", dtype="category", categories=(0.0, 1.0, 2.0)),
)


def state(version: int) -> VersionState:
    return VersionState(
        model=ModelName("fraud"),
        version=version,
        workflow=WorkflowName("fraud"),
        revision=1,
        run_id=RunId(f"r-fraud-{version}"),
        artifacts=ModelArtifacts(
            model=artifact(f"fraud {version}"),
            signature=Signature(inputs=COLUMNS),
            probe=artifact(f"fraud probe {version}"),
            reference=artifact(f"fraud reference {version}"),
            dataset=dataset(f"fraud {version}"),
            threshold=0.31,
        ),
        metrics={"average_precision": 0.71},
    )


def apply_fraud(teller: Teller) -> None:
    teller.root("apply fraud")
    definition = WorkflowDefinition.model_validate(
        {
            "name": "fraud",
            "description": "who pays with a card that is not theirs",
            "data": DataSection(target="fraud", features=("amount", "hour"), identity="id", period="day"),
            "deployment": {
                "replicas": 1,
                "max_replicas": 4,
                "strategy": "canary",
                "canary": {"steps": list(STEPS), "step_time": "20s", "min_rows": 200, "deadline": "10m"},
            },
            "monitoring": {"window": "60s", "quality": {"metric": "average_precision"}},
        }
    )
    teller.tell(
        WorkflowApplied(workflow=WorkflowName("fraud"), revision=1, definition=definition, code=artifact("code"))
    )


def deploy(teller: Teller, version: int, replaces: int | None) -> Envelope:
    return teller.tell(
        ModelDeployed(
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=version,
            replaces=replaces,
            replica=f"fraud-v{version}-1",
            replicas=(f"fraud-v{version}-1",),
            endpoint="/v2/models/fraud",
            state=state(version),
        )
    )


def scale(teller: Teller, version: int, before: int, replicas: int, detail: str) -> None:
    teller.tell(
        DeploymentScaled(
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=version,
            before=before,
            replicas=replicas,
            cause="rate" if replicas > before else "idle",
            detail=detail,
            rate=1240.4,
            p99_ms=8.75,
        )
    )


def window(teller: Teller, version: int, *, after: float = 0.0, **more: Any) -> None:
    """The window of a minute that ends now, `after` seconds later than what was told before."""
    teller.now += timedelta(seconds=after)
    end = teller.now
    told: dict[str, Any] = {
        "rows": 12_000,
        "errors": 3,
        "rate": 200.0,
        "latency_p50_ms": 1.2,
        "latency_p99_ms": 4.5,
        "output_mean": 0.031,
        "outcome": "stable",
    } | more
    teller.tell(
        WindowMeasured(
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=version,
            start=end - timedelta(seconds=60),
            end=end,
            revision=1,
            **told,
        ),
        after=0.0,
    )


def start_canary(teller: Teller, version: int, against: int, steps: tuple[float, ...] = STEPS) -> Envelope:
    return teller.tell(
        CanaryStarted(
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=version,
            against=against,
            replicas=(f"fraud-v{version}-1",),
            steps=steps,
            endpoint="/v2/models/fraud",
            state=state(version),
        )
    )


def judge_step(
    teller: Teller,
    version: int,
    against: int,
    step: int,
    verdict: Literal["advance", "roll_back", "finish"],
    *,
    steps: tuple[float, ...] = STEPS,
) -> None:
    worse = verdict == "roll_back"
    tests = (
        CanaryTest(
            aspect="errors",
            stable=0.0004,
            canary=0.081 if worse else 0.0005,
            statistic=31.2 if worse else 0.2,
            threshold=5.99,
            decision="worse" if worse else "not_worse",
            detail="8.10% of the requests fail, 0.04% of the stable version's"
            if worse
            else "0.05% of the requests fail",
        ),
        CanaryTest(
            aspect="latency",
            stable=0.049,
            canary=0.052,
            statistic=0.4,
            threshold=5.99,
            decision="not_worse",
            detail="5.2% take longer than 5 ms",
        ),
        CanaryTest(
            aspect="outputs",
            canary=0.04,
            statistic=0.01,
            threshold=0.3,
            decision="not_worse",
            detail="outputs are 0.04 apart",
        ),
    )
    teller.tell(
        CanaryJudged(
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=version,
            against=against,
            step=step,
            steps=len(steps),
            weight=steps[step - 1],
            verdict=verdict,
            rows=640 * step,
            stable_rows=9_600 * step,
            tests=tests,
            detail="errors: 8.10% of the requests fail" if worse else f"{640 * step:,} requests, no worse",
        ),
        after=20.0,
    )


def roll_back(teller: Teller, version: int, serving: int, by: str, reason: str) -> None:
    teller.tell(
        DeploymentRolledBack(
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=version,
            serving=serving,
            alias_revision=version,
            by=by,
            cause="canary" if by == "deployer" else "person",
            reason=reason,
        )
    )


def ask_for_batch(teller: Teller, batch: str) -> None:
    teller.root(batch)
    teller.tell(BatchRequested(batch=batch, deployment=FRAUD, version=None, input=artifact(batch), by="olga"))


def drift(teller: Teller, version: int) -> None:
    features = (FeatureDrift(feature="amount", statistic=0.4, p_value=1e-30, drifted=True),)
    teller.tell(
        DriftDetected(
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=version,
            workflow=WorkflowName("fraud"),
            episode="fraud/1",
            start=teller.now - timedelta(seconds=60),
            end=teller.now,
            rows=12_000,
            engine="scipy 1.16",
            threshold=0.0005,
            features=features,
        )
    )


def degrade(teller: Teller, version: int) -> None:
    teller.tell(
        PerformanceDegraded(
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=version,
            workflow=WorkflowName("fraud"),
            episode="fraud/q1",
            start=teller.now - timedelta(seconds=60),
            end=teller.now,
            metric="average_precision",
            value=Interval(value=0.41, low=0.37, high=0.46),
            baseline=0.71,
            max_loss=0.05,
            labelled=4_000,
            detail="average precision 0.41 [0.37, 0.46], was 0.71",
        )
    )


def fraud_story(end: datetime) -> Teller:
    """v1 serves and grows; v2 passes as a canary; v3 is rolled back by its errors; v4 is a canary at 25 % now."""
    teller = Teller(end - timedelta(minutes=50))
    apply_workflow(teller)
    apply_fraud(teller)
    teller.root("fraud v1")
    deploy(teller, 1, None)
    for number in range(12):
        quality = 0.70 + 0.004 * (number % 5)
        window(
            teller,
            1,
            after=60.0,
            rate=180.0 + 9 * number,
            latency_p99_ms=4.0 + number % 3,
            quality={"average_precision": quality},
            quality_interval=Interval(value=quality, low=quality - 0.03, high=quality + 0.03),
            labelled=9_000,
        )
    scale(teller, 1, 1, 2, "1,240/s a replica, over 800")
    teller.root("fraud v2")
    start_canary(teller, 2, 1)
    for step, verdict in enumerate(("advance", "advance", "finish"), 1):
        judge_step(teller, 2, 1, step, verdict)  # type: ignore[arg-type]  # one of its verdicts
        window(teller, 1, after=20.0, rate=240.0, latency_p99_ms=5.5)
        window(teller, 2, rate=14.0 * step * 2, rows=800 * step, latency_p99_ms=6.0, output_mean=0.034)
    deploy(teller, 2, 1)
    for number in range(8):
        window(
            teller,
            2,
            after=60.0,
            rate=260.0 - 5 * number,
            latency_p99_ms=5.0 + 0.2 * number,
            outcome="drift" if number == 6 else "stable",
            quality={"average_precision": 0.72 - 0.03 * number},
            quality_interval=Interval(value=0.72 - 0.03 * number, low=0.68 - 0.03 * number, high=0.76 - 0.03 * number),
            labelled=4_000,
        )
        if number == 6:
            drift(teller, 2)
            degrade(teller, 2)
    scale(teller, 2, 2, 1, "one fewer would have sufficed for 60 s: 90/s")
    teller.root("fraud v3")
    start_canary(teller, 3, 2)
    judge_step(teller, 3, 2, 1, "roll_back")
    roll_back(teller, 3, 2, "deployer", "errors: 8.10% of the requests fail")
    teller.now = max(teller.now, end - timedelta(minutes=6))
    ask_for_batch(teller, "b-done")
    teller.tell(
        BatchCompleted(
            batch="b-done",
            deployment=FRAUD,
            model=ModelName("fraud"),
            version=2,
            model_sha256=artifact("fraud 2").sha256,
            rows=250_000,
            failed_rows=3,
            output=artifact("b-done out"),
            seconds=41.5,
        ),
        after=42.0,
    )
    ask_for_batch(teller, "b-failed")
    teller.tell(
        BatchFailed(
            batch="b-failed",
            deployment=FRAUD,
            version=2,
            cause="columns_differ",
            message="the file lacks 'amount'",
            rows_done=0,
        )
    )
    ask_for_batch(teller, "b-running")
    teller.root("fraud v4")
    teller.now = end - timedelta(seconds=90)
    start_canary(teller, 4, 2)
    judge_step(teller, 4, 2, 1, "advance")
    window(teller, 2, after=30.0, rate=231.0)
    window(teller, 4, rate=41.0, rows=2_460, latency_p99_ms=4.1, output_mean=0.033)
    return teller


def what_the_deployer_says(now: datetime) -> dict[str, tuple[int, dict[str, Any]]]:
    """Its answers about fraud while v4 is a canary, by path."""
    began = (now - timedelta(seconds=40)).isoformat()
    replicas = [
        replica("fraud-v2-3", 2, "serving", 18_180, now),
        replica("fraud-v4-7", 4, "candidate", 18_190, now),
        replica("fraud-v2-9", 2, "serving", 18_192, now, proven=False),
    ]
    paces = [
        {"name": "fraud-v2-3", "version": 2, "answers": True, **pace(96_000, 231.4, 0.0)},
        {"name": "fraud-v4-7", "version": 4, "answers": True, **pace(1_130, 41.2, 0.4)},
        {"name": "fraud-v2-9", "version": 2, "answers": False, **NO_PACE},
    ]
    versions = [
        {"version": 2, "role": "serving", "replicas": 2, **pace(96_000, 231.4, 0.0)},
        {"version": 4, "role": "candidate", "replicas": 1, **pace(1_130, 41.2, 0.4)},
    ]
    batch = {"id": "b-running", "state": "running", "version": 2, "rows": 100_000, "rows_done": 40_000, "rate": 6_100.0}
    return {
        "/deployer/v1/deployments/fraud": (
            200,
            {
                "name": "fraud",
                "state": "canary",
                "target_version": 4,
                "serving_version": 2,
                "wanted_replicas": 2,
                "previous_version": 1,
                "canary": {"version": 4, "step": 2, "weight": 0.25, "since": began, "rows": 640},
                "replicas": replicas,
            },
        ),
        "/deployer/v1/deployments/fraud/traffic": (
            200,
            {"name": "fraud", "at": now.isoformat(), "replicas": paces, "versions": versions},
        ),
        "/deployer/v1/batches": (200, {"items": [batch], "next": None}),
    }


NO_PACE = {"requests": 0, "seconds": None, "rate": None, "errors": None, "p50_ms": None, "p99_ms": None}


def pace(requests: int, rate: float, errors: float) -> dict[str, Any]:
    return {"requests": requests, "seconds": 5.0, "rate": rate, "errors": errors, "p50_ms": 1.21, "p99_ms": 4.36}


def replica(name: str, version: int, role: str, port: int, now: datetime, *, proven: bool = True) -> dict[str, Any]:
    return {
        "name": name,
        "role": role,
        "version": version,
        "pid": 4_242,
        "http_port": port,
        "grpc_port": port + 1,
        "retired_at": None,
        "proven": proven,
        "started_at": (now - timedelta(minutes=4)).isoformat(),
    }


def prediction(request_id: str, **more: Any) -> dict[str, Any]:
    """What the monitor answers of a request that it knows."""
    at = datetime(2026, 11, 2, 12, 0, 30, tzinfo=UTC)
    one = {
        "version": 2,
        "time": at.isoformat(),
        "output": 0.8125,
        "label": {"value": 1.0, "clicks": False, "known": "2026-11-04T08:00:00Z", "too_late": False},
        "window": {
            "start": "2026-11-02T12:00:00Z",
            "end": "2026-11-02T12:01:00Z",
            "revision": 3,
            "outcome": "stable",
        },
        "row": {
            "features": {"amount": 4120.5, "hour": 3.0, "terminal_kind": None},
            "status": 200,
            "latency_ms": 1.284,
            "model_sha256": "ab" * 32,
            "replica": "fraud-v2-3",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "record": {"topic": "prediction.logged", "partition": 2, "offset": 1_207, "row": 41},
        },
        "row_missing": "",
    } | more
    return {"deployment": "fraud", "request_id": request_id, "predictions": [one]}


if __name__ == "__main__":
    import sys

    from murmur_console.story_file import line_of

    for told in fraud_story(datetime.now(UTC)).told:
        sys.stdout.write(line_of(told) + "\n")
