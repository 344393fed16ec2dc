"""Everything the registry listens to, on one screen."""

from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.deployments import CanaryStarted, DeploymentFailed, DeploymentRolledBack, ModelDeployed
from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.runs import RunCompleted
from murmur_events.validation import ValidationCompleted
from murmur_events.workflows import WorkflowApplied
from murmur_events.workspaces import WorkspaceDropped
from murmur_kernel.consuming import Subscriptions, project, react
from murmur_registry import listening
from murmur_registry.freezing import Thaw, remember_freeze
from murmur_registry.handlers import Handlers, remember_promotion_rules
from murmur_registry.repository import RegistryUnitOfWork


def subscriptions(handlers: Handlers) -> Subscriptions[RegistryUnitOfWork]:
    return (
        react(RunCompleted, handlers.register_version, said_by="trainer"),
        react(ValidationCompleted, handlers.judge_version),
        react(AutomationUnfrozen, Thaw(handlers.decide).decide_again),
        react(ModelDeployed, handlers.end_rollout),
        react(DeploymentFailed, handlers.end_rollout),
        react(CanaryStarted, handlers.end_rollout),
        react(DeploymentRolledBack, handlers.take_alias_back),
        react(WorkspaceDropped, listening.drop_workspace),
        project(ModelLogged, listening.remember_logged_model),
        project(ExperimentChanged, listening.remember_folder),
        project(AutomationFrozen, remember_freeze),
        project(WorkflowApplied, remember_promotion_rules),
    )
