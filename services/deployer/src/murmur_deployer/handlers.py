"""What the deployer does when a model is promoted, or a workflow says how it wants to be served: it decides, and leaves
the work to a job or to the reconciler."""

from murmur_deployer import facts
from murmur_deployer.domain import promotion
from murmur_deployer.domain.deployment import Target
from murmur_deployer.domain.promotion import AlreadyKnown, AlreadyServes, RollOut, Superseded
from murmur_deployer.domain.replicas import Terms
from murmur_deployer.domain.rules import Autoscaling, CanaryRules, DeploymentRules, QualityRules
from murmur_deployer.repository import DeployerUnitOfWork, Release
from murmur_events.base import DeploymentName
from murmur_events.deployment_section import DeploymentSection
from murmur_events.models import ModelPromoted
from murmur_events.workflows import WorkflowApplied

ROLLOUT = "rollout"


async def remember_rules(event: WorkflowApplied, uow: DeployerUnitOfWork) -> None:
    """The newest revision counts, for what serves already too: the reconciler sees to that."""
    known = await uow.rules.get(event.workflow)
    if known is not None and known.revision >= event.revision:
        return
    section, quality = event.definition.deployment, event.definition.monitoring.quality
    uow.rules.save(
        DeploymentRules(
            workflow=event.workflow,
            revision=event.revision,
            replicas=section.replicas,
            max_replicas=section.max_replicas,
            memory=section.limits.memory,
            rate_limit=section.rate_limit,
            timeout=section.timeout.total_seconds(),
            terms=Terms(logged=section.log, nice=section.limits.nice, group=section.group),
            autoscaling=Autoscaling(
                rate=section.autoscaling.rate,
                latency_p99=section.autoscaling.latency_p99.total_seconds() * 1000,
                idle=section.autoscaling.idle.total_seconds(),
            ),
            canary=CanaryRules(
                steps=_steps(section),
                step_time=section.canary.step_time.total_seconds(),
                shadow_time=section.shadow.total_seconds() if section.shadow else 0.0,
                min_rows=section.canary.min_rows,
                false_alarm=section.canary.false_alarm,
                max_error_increase=section.canary.max_error_increase,
                max_latency_factor=section.canary.max_latency_factor,
                max_shift=section.canary.max_shift,
                deadline=section.canary.deadline.total_seconds(),
                quality=QualityRules(
                    labels=section.canary.labels,
                    metric=quality.metric,
                    max_loss=section.canary.max_quality_loss,
                    min_labelled=quality.min_labelled,
                    confidence=quality.confidence,
                ),
            ),
        )
    )


def _steps(section: DeploymentSection) -> tuple[float, ...]:
    """First as a shadow, then with its shares, as far as either is wanted."""
    return (0.0,) * (section.shadow is not None) + (section.canary.steps if section.strategy == "canary" else ())


async def follow_promotion(event: ModelPromoted, uow: DeployerUnitOfWork) -> None:
    """Only production serves. Every such promotion ends in model.deployed or deployment.failed."""
    match event.alias:
        case "staging":
            return
        case "production":
            await _follow_production(event, uow)


async def _follow_production(event: ModelPromoted, uow: DeployerUnitOfWork) -> None:
    name = DeploymentName(event.model)
    await uow.rules.require(name)  # how it is rolled out stands there
    current = await uow.deployments.get(name)
    target = Target(event.version, event.alias_revision)
    match promotion.decide(name, current, target):
        case RollOut(deployment):
            uow.deployments.save(deployment)
            uow.releases.save(Release(name, event.version, event.state))
            uow.enqueue(ROLLOUT, job_id=f"{ROLLOUT}/{name}/{event.alias_revision}", payload=target.of(name))
        case AlreadyServes(deployment):
            uow.deployments.save(deployment)
            uow.publish(facts.deployed(deployment, event.state, replaces=None))
        case Superseded(deployment):
            uow.publish(facts.failed(deployment, event.version, "superseded", promotion.superseded(deployment.target)))
        case AlreadyKnown():
            return
