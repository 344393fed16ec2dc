"""What the deployer does when a model is promoted: it decides, and leaves the work to a job."""

from murmur_deployer.domain import promotion
from murmur_deployer.domain.deployment import Target
from murmur_deployer.domain.promotion import AlreadyKnown, RollOut, Superseded
from murmur_deployer.repository import DeployerUnitOfWork, Release
from murmur_events.base import DeploymentName
from murmur_events.deployments import DeploymentFailed
from murmur_events.models import ModelPromoted

ROLLOUT = "rollout"


async def follow_promotion(event: ModelPromoted, uow: DeployerUnitOfWork) -> None:
    """Only production serves. Every such promotion ends in model.deployed or deployment.failed."""
    match event.alias:
        case "staging":
            return
        case "production":
            await _follow_production(event, uow)


async def _follow_production(event: ModelPromoted, uow: DeployerUnitOfWork) -> None:
    name = DeploymentName(event.model)
    current = await uow.deployments.get(name)
    match promotion.decide(name, current, Target(event.version, event.alias_revision)):
        case RollOut(deployment):
            uow.deployments.save(deployment)
            uow.releases.save(Release(name, event.version, event.state))
            uow.enqueue(
                ROLLOUT,
                job_id=f"{ROLLOUT}/{name}/{event.alias_revision}",
                payload={"deployment": name, "version": event.version, "alias_revision": event.alias_revision},
            )
        case Superseded(by):
            uow.publish(
                DeploymentFailed(
                    deployment=name,
                    model=event.model,
                    version=event.version,
                    cause="superseded",
                    message=f"version {by.version} was promoted later (alias revision {by.alias_revision})",
                    still_serving=current.serving.version if current and current.serving else None,
                )
            )
        case AlreadyKnown():
            return
