"""A batch as the events and values that others know."""

from murmur_deployer.domain.batch import Batch, StoredFile
from murmur_events.base import DeploymentName, ModelName
from murmur_events.batches import BatchCompleted, BatchFailed
from murmur_events.values import Artifact


def stored(artifact: Artifact) -> StoredFile:
    return StoredFile(artifact.uri, artifact.sha256, artifact.size)


def artifact_of(file: StoredFile) -> Artifact:
    return Artifact(uri=file.uri, sha256=file.sha256, size=file.size)


def completed(batch: Batch) -> BatchCompleted:
    pin, done, output = batch.pin, batch.progress, batch.output
    assert pin is not None and done is not None and output is not None, "it has completed"  # noqa: PT018
    return BatchCompleted(
        batch=batch.id,
        deployment=DeploymentName(batch.deployment),
        model=ModelName(pin.model),
        version=pin.version,
        model_sha256=pin.model_sha256,
        rows=done.rows_done,
        failed_rows=done.failed_rows,
        output=artifact_of(output),
        seconds=((done.at or done.begun_at) - done.begun_at).total_seconds(),
    )


def failed(batch: Batch) -> BatchFailed:
    assert batch.failure is not None, "it has failed"
    return BatchFailed(
        batch=batch.id,
        deployment=DeploymentName(batch.deployment),
        version=batch.pin.version if batch.pin else None,
        cause=batch.failure.cause,
        message=batch.failure.message,
        rows_done=batch.rows_done,
    )
