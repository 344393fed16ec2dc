"""Everything the registry listens to, on one screen."""

from murmur_events.runs import RunCompleted
from murmur_events.validation import ValidationCompleted
from murmur_events.workflows import WorkflowApplied
from murmur_kernel.consuming import Subscriptions, project, react
from murmur_registry.handlers import Handlers, remember_promotion_rules
from murmur_registry.repository import RegistryUnitOfWork


def subscriptions(handlers: Handlers) -> Subscriptions[RegistryUnitOfWork]:
    return (
        react(RunCompleted, handlers.register_version),
        react(ValidationCompleted, handlers.judge_version),
        project(WorkflowApplied, remember_promotion_rules),
    )
