"""What the deployer tells of a deployment."""

from murmur_deployer.domain.canary import Evidence, RollbackCause
from murmur_deployer.domain.deployment import Deployment, FailureCause
from murmur_deployer.domain.judging import Judgement
from murmur_events.base import DeploymentName, ModelName
from murmur_events.deployments import (
    CanaryJudged,
    CanaryStarted,
    CanaryTest,
    DeploymentFailed,
    DeploymentRolledBack,
    ModelDeployed,
)
from murmur_events.models import VersionState


def deployed(deployment: Deployment, state: VersionState, *, replaces: int | None) -> ModelDeployed:
    """What serves now."""
    assert deployment.serving is not None
    names = tuple(replica.name for replica in deployment.serving.replicas)
    return ModelDeployed(
        deployment=DeploymentName(deployment.name),
        model=state.model,
        version=state.version,
        replaces=replaces,
        replica=names[0],
        replicas=names,
        endpoint=deployment.endpoint,
        state=state,
    )


def failed(deployment: Deployment, version: int, cause: FailureCause, message: str) -> DeploymentFailed:
    """A version does not serve; what does, still does."""
    return DeploymentFailed(
        deployment=DeploymentName(deployment.name),
        model=ModelName(deployment.name),
        version=version,
        cause=cause,
        message=message,
        still_serving=deployment.serving.version if deployment.serving else None,
    )


def canary_started(deployment: Deployment, state: VersionState, steps: tuple[float, ...]) -> CanaryStarted:
    assert deployment.serving is not None
    assert deployment.candidate is not None
    return CanaryStarted(
        deployment=DeploymentName(deployment.name),
        model=state.model,
        version=state.version,
        against=deployment.serving.version,
        replicas=tuple(replica.name for replica in deployment.candidate.replicas),
        steps=steps,
        endpoint=deployment.endpoint,
        state=state,
    )


def canary_judged(before: Deployment, evidence: Evidence, judgement: Judgement, steps: int) -> CanaryJudged:
    """before: as it stood in the step that has ended."""
    assert before.serving is not None
    assert before.candidate is not None
    assert before.canary is not None
    assert judgement.verdict != "wait", "a step that waits has not ended"
    return CanaryJudged(
        deployment=DeploymentName(before.name),
        model=ModelName(before.name),
        version=before.candidate.version,
        against=before.serving.version,
        step=before.canary.step + 1,
        steps=max(steps, before.canary.step + 1),
        weight=before.canary.weight,
        verdict=judgement.verdict,
        rows=evidence.canary.requests,
        stable_rows=evidence.stable.requests,
        tests=tuple(CanaryTest(**vars(test)) for test in judgement.tests),
        detail=judgement.detail,
    )


def rolled_back(
    before: Deployment, *, version: int, serving: int, by: str, cause: RollbackCause, reason: str
) -> DeploymentRolledBack:
    return DeploymentRolledBack(
        deployment=DeploymentName(before.name),
        model=ModelName(before.name),
        version=version,
        serving=serving,
        alias_revision=before.target.alias_revision,
        by=by,
        cause=cause,
        reason=reason,
    )
