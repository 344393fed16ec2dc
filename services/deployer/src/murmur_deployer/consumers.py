"""Everything that the deployer listens to."""

from murmur_deployer import handlers, labelling
from murmur_deployer.batches.asking import accept_request
from murmur_deployer.rollbacks import follow_request
from murmur_events.batches import BatchRequested
from murmur_events.models import ModelPromoted
from murmur_events.monitoring import WindowMeasured
from murmur_events.registry import RollbackRequested
from murmur_events.workflows import WorkflowApplied
from murmur_kernel.consuming import project, react

SUBSCRIPTIONS = (
    react(ModelPromoted, handlers.follow_promotion),
    react(RollbackRequested, follow_request),
    react(BatchRequested, accept_request),
    react(WindowMeasured, labelling.weigh_labels),
    project(WorkflowApplied, handlers.remember_rules),
)
