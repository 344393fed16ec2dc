"""From the files that a worker left to the facts that end a run."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from murmur_events.base import RunId, WorkflowName
from murmur_events.datasets import DatasetRegistered
from murmur_events.runs import Provenance, RunCompleted, RunFailed, RunStarted
from murmur_events.values import Artifact, DatasetRef, ModelArtifacts
from murmur_events.workflows import WorkflowDefinition
from murmur_trainer.domain.training import Parameters
from murmur_trainer.ports import Artifacts
from murmur_trainer.repeating import Repeated
from murmur_trainer.repository import RunRecord, TrainingDocument
from murmur_trainer.translation import trigger_said
from murmur_training import snapshot, spec
from murmur_training.environment import Environment
from murmur_training.spec import Failed, Trained


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt at a training, with all that its events say."""

    training: TrainingDocument
    definition: WorkflowDefinition
    provenance: Provenance
    environment: Environment
    threads: int
    parameters: Parameters
    started_at: datetime
    repeats: Repeated | None = None

    def started(self) -> RunStarted:
        return RunStarted(
            run_id=RunId(self.training.run_id),
            workflow=WorkflowName(self.training.workflow),
            revision=self.training.revision,
            trigger=trigger_said(self.training.trigger),
            as_of=self.training.as_of,
            attempt=self.training.attempt,
            parameters=self.parameters,
            provenance=self.provenance,
            started_at=self.started_at,
        )

    def completed(self, result: Trained, model: ModelArtifacts, log: Artifact, *, at: datetime) -> RunCompleted:
        """With the verdict, where it repeats another run."""
        verdict = None
        if self.repeats is not None:
            verdict = self.repeats.verdict(self.record(result, model), self.environment)
        return RunCompleted(
            run_id=RunId(self.training.run_id),
            workflow=WorkflowName(self.training.workflow),
            revision=self.training.revision,
            trigger=trigger_said(self.training.trigger),
            as_of=self.training.as_of,
            attempt=self.training.attempt,
            parameters=self.parameters,
            provenance=self.provenance,
            metrics=result.metrics,
            dataset=model.dataset,
            model=model,
            research=not self.definition.promotion.register_model,
            log=log,
            started_at=self.started_at,
            ended_at=at,
            reproduction=verdict,
        )

    def record(self, result: Trained, model: ModelArtifacts) -> RunRecord:
        return RunRecord(
            run_id=self.training.run_id,
            workflow=self.training.workflow,
            revision=self.training.revision,
            as_of=self.training.as_of,
            parameters=self.parameters,
            provenance=self.provenance,
            metrics=result.metrics,
            dataset=model.dataset,
            model=model,
            periods=result.periods,
        )


def failed(training: TrainingDocument, failure: Failed, log: Artifact | None, *, at: datetime) -> RunFailed:
    """A training may fail before any attempt could begin; the event then speaks of the first."""
    return RunFailed(
        run_id=RunId(training.run_id),
        workflow=WorkflowName(training.workflow),
        revision=training.revision,
        trigger=trigger_said(training.trigger),
        attempt=max(training.attempt, 1),
        cause=failure.cause,
        message=failure.message,
        log=log,
        started_at=training.started_at or at,
        ended_at=at,
    )


def registered(result: Trained, dataset: DatasetRef, workflow: str) -> DatasetRegistered:
    return DatasetRegistered(
        workflow=WorkflowName(workflow), dataset=dataset, label_rate=result.label_rate, periods=result.periods
    )


async def store_model(
    artifacts: Artifacts, folder: Path, result: Trained, training: TrainingDocument
) -> ModelArtifacts:
    """Everything that outlives the work folder. Raises Transient."""
    names = (snapshot.TRAIN, snapshot.HOLDOUT, spec.MODEL, spec.PROBE, spec.REFERENCE)
    train, holdout, model, probe, reference = await asyncio.gather(
        *(artifacts.put_file(folder / name) for name in names)
    )
    dataset = DatasetRef(
        name=training.workflow,
        digest=result.digest,
        train=train,
        holdout=holdout,
        train_rows=result.train_rows,
        holdout_rows=result.holdout_rows,
        as_of=training.as_of.isoformat(),
        trained_until=result.trained_until,
    )
    return ModelArtifacts(
        model=model,
        signature=result.signature,
        probe=probe,
        reference=reference,
        dataset=dataset,
        threshold=result.threshold,
    )


async def store_log(artifacts: Artifacts, folder: Path) -> Artifact:
    """What the worker printed, empty where it never came so far. Raises Transient."""
    path = folder / spec.LOG
    return await artifacts.put_bytes(path.read_bytes() if path.exists() else b"", suffix=".log")
