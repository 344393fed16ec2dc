"""Everything tracking listens to, on one screen. It decides nothing, so all of it may be replayed."""

from murmur_events.runs import RunCompleted, RunFailed, RunLogged, RunStarted
from murmur_kernel.consuming import Subscriptions, project
from murmur_tracking import handlers
from murmur_tracking.repository import TrackingUnitOfWork

SUBSCRIPTIONS: Subscriptions[TrackingUnitOfWork] = (
    project(RunStarted, handlers.remember_start),
    project(RunLogged, handlers.remember_batch),
    project(RunCompleted, handlers.remember_completion),
    project(RunFailed, handlers.remember_failure),
)
