"""Facts as others publish them, with as little in them as a test must say."""

from datetime import UTC, datetime

from murmur_events.deployments import ModelDeployed
from murmur_events.models import ModelArchived, ModelPromoted, ModelRegistered, ModelRejected, VersionState
from murmur_events.runs import Provenance, RunCompleted
from murmur_events.training import Trigger
from murmur_events.validation import Check, ValidationCompleted, Verdict
from murmur_events.values import Artifact, ColumnSpec, DatasetRef, ModelArtifacts, Signature
from murmur_events.workflows import DataSection, PromotionSection, WorkflowApplied, WorkflowDefinition

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def artifact(name: str) -> Artifact:
    return Artifact(uri=f"file:///artifacts/{name}", sha256=name.encode().hex().ljust(64, "0")[:64], size=1)


def dataset() -> DatasetRef:
    return DatasetRef(
        name="credit",
        digest="d" * 64,
        train=artifact("train"),
        holdout=artifact("holdout"),
        train_rows=750,
        holdout_rows=250,
        as_of="2005-10-01",
    )


def model_artifacts() -> ModelArtifacts:
    return ModelArtifacts(
        model=artifact("model"),
        signature=Signature(inputs=(ColumnSpec(name="age"),)),
        probe=artifact("probe"),
        reference=artifact("reference"),
        dataset=dataset(),
    )


def state(version: int, *, run_id: str | None = None) -> VersionState:
    return VersionState(
        model="credit",
        version=version,
        workflow="credit",
        revision=1,
        run_id=run_id or f"run-{version}",
        artifacts=model_artifacts(),
        metrics={"auc": 0.78},
    )


def workflow_applied(*, review: str = "required", revision: int = 1) -> WorkflowApplied:
    definition = WorkflowDefinition(
        name="credit",
        data=DataSection(target="default", features=("age",), identity="id", period="quarter"),
        promotion=PromotionSection.model_validate({"review": review}),
    )
    return WorkflowApplied(workflow="credit", revision=revision, definition=definition, code=artifact("code"))


def run_completed(run_id: str = "run-1", *, with_model: bool = True) -> RunCompleted:
    return RunCompleted(
        run_id=run_id,
        workflow="credit",
        revision=1,
        trigger=Trigger(kind="manual", key=run_id),
        as_of=NOON,
        attempt=1,
        parameters={"max_depth": 4},
        provenance=Provenance(code=artifact("code"), environment=artifact("env"), seed=1, revision=1),
        metrics={"auc": 0.78},
        dataset=dataset(),
        model=model_artifacts() if with_model else None,
        log=artifact("log"),
        started_at=NOON,
        ended_at=NOON,
    )


def validation_completed(version: int, *, baseline: int | None, verdict: Verdict = "better") -> ValidationCompleted:
    checks = (
        Check(name="minimum_auc", passed=True, detail="auc 0.780, at least 0.70 asked"),
        Check(name="better_than_baseline", passed=verdict in ("better", "first"), detail="auc"),
    )
    return ValidationCompleted(
        model="credit",
        version=version,
        baseline=baseline,
        verdict=verdict,
        summary=f"{verdict} it is",
        candidate_metrics={"auc": 0.78},
        baseline_metrics={},
        differences={},
        checks=checks,
        slices=(),
        holdout_rows=250,
        report=artifact(f"report-{version}"),
    )


def model_deployed(version: int) -> ModelDeployed:
    return ModelDeployed(
        deployment="credit",
        model="credit",
        version=version,
        replaces=None,
        replica="credit-v1-1",
        endpoint="/v2/models/credit",
        state=state(version),
    )


def short(event: object) -> str:
    """An event as one would tell it: `production v3`."""
    match event:
        case ModelRegistered(version=version):
            return f"registered v{version}"
        case ModelPromoted(version=version, alias=alias):
            return f"{alias} v{version}"
        case ModelArchived(version=version):
            return f"archived v{version}"
        case ModelRejected(version=version):
            return f"rejected v{version}"
        case _:
            return type(event).__name__
