"""Everything tracking listens to, on one screen. What it makes of a version is said by itself, so that a replay of the
projections tells all."""

from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.registry import VersionChanged
from murmur_events.runs import RunCompleted, RunFailed, RunLogged, RunStarted
from murmur_events.shares import RunShared, ShareRevoked, ShareViewed
from murmur_events.workspaces import WorkspaceDropped, WorkspaceEmptied
from murmur_kernel.consuming import Subscriptions, project, react
from murmur_tracking import handlers, registered, sharing
from murmur_tracking.repository import TrackingUnitOfWork

SUBSCRIPTIONS: Subscriptions[TrackingUnitOfWork] = (
    project(RunStarted, handlers.remember_start, relearns=True),
    project(RunLogged, handlers.remember_batch, relearns=True),
    project(RunCompleted, handlers.remember_completion, relearns=True),
    project(RunFailed, handlers.remember_failure, relearns=True),
    project(ExperimentChanged, handlers.remember_experiment, relearns=True),
    project(WorkspaceDropped, handlers.remember_drop, relearns=True),
    project(WorkspaceEmptied, handlers.remember_emptying),
    project(ModelLogged, handlers.remember_model, relearns=True),
    react(VersionChanged, registered.note_version, retells=True),
    project(RunShared, sharing.remember_share, relearns=True),
    project(ShareViewed, sharing.remember_sighting, relearns=True),
    project(ShareRevoked, sharing.remember_revocation, relearns=True),
)
