"""Everything the validator listens to, on one screen."""

from murmur_events.models import ModelPromoted, ModelRegistered
from murmur_events.validation import ValidationRequested
from murmur_events.workflows import WorkflowApplied
from murmur_kernel.consuming import Subscriptions, project, react
from murmur_validator import handlers
from murmur_validator.repository import ValidatorUnitOfWork

SUBSCRIPTIONS: Subscriptions[ValidatorUnitOfWork] = (
    react(ModelRegistered, handlers.validate_candidate),
    react(ValidationRequested, handlers.validate_again),
    project(ModelPromoted, handlers.remember_baseline),
    project(WorkflowApplied, handlers.remember_rules),
)
