"""Everything that the monitor listens to as events. Predictions are folded in streams.py."""

from murmur_events.catalog import SERVICES
from murmur_events.deployments import CanaryStarted, DeploymentFailed, ModelDeployed
from murmur_events.troubles import TroubleReported
from murmur_events.workflows import WorkflowApplied
from murmur_kernel.consuming import Subscriptions, project, react
from murmur_monitor import handlers
from murmur_monitor.handlers import Workflows
from murmur_monitor.repository import MonitorUnitOfWork


def subscriptions(workflows: Workflows) -> Subscriptions[MonitorUnitOfWork]:
    return (
        project(WorkflowApplied, workflows.remember),
        react(ModelDeployed, handlers.watch_version),
        react(CanaryStarted, handlers.watch_canary),
        react(DeploymentFailed, handlers.alert_failure),
        *(react(TroubleReported, handlers.alert_trouble, told_by=service) for service in SERVICES),
    )
