"""Everything that the trainer listens to."""

from murmur_events.monitoring import DriftDetected, PerformanceDegraded
from murmur_events.runs import RunCompleted, RunFailed
from murmur_events.training import TrainingRequested
from murmur_kernel.consuming import react
from murmur_trainer import handlers

SUBSCRIPTIONS = (
    react(TrainingRequested, handlers.answer_request),
    react(DriftDetected, handlers.answer_drift),
    react(PerformanceDegraded, handlers.answer_degradation),
    react(RunCompleted, handlers.let_next_start, said_by="trainer"),
    react(RunFailed, handlers.let_next_start, said_by="trainer"),
)
