"""The one table of what travels where, who may publish it, and how long it is kept."""

from dataclasses import dataclass
from datetime import timedelta

from murmur_events.automation import AutomationFrozen, AutomationUnfrozen
from murmur_events.base import Event
from murmur_events.batches import BatchCompleted, BatchFailed, BatchRequested
from murmur_events.datasets import DatasetRegistered
from murmur_events.dead_letters import DeadLettered
from murmur_events.deployments import (
    CanaryJudged,
    CanaryStarted,
    DeploymentFailed,
    DeploymentRolledBack,
    DeploymentScaled,
    ModelDeployed,
)
from murmur_events.errors import UnknownTopic
from murmur_events.experiments import ExperimentChanged, ModelLogged
from murmur_events.models import (
    ModelArchived,
    ModelPromoted,
    ModelRegistered,
    ModelRejected,
    PromotionDeferred,
    ReviewDecided,
    ReviewRequested,
)
from murmur_events.monitoring import AlertRaised, AlertResolved, DriftDetected, PerformanceDegraded, WindowMeasured
from murmur_events.registry import AliasMoved, ModelChanged, RollbackRequested, VersionChanged
from murmur_events.runs import RunCompleted, RunFailed, RunLogged, RunStarted
from murmur_events.serving import FeedbackRecorded, PredictionLogged
from murmur_events.shares import RunShared, ShareRevoked, ShareViewed
from murmur_events.sweeps import SweepCompleted, SweepRequested
from murmur_events.training import TrainingRequested, TrainingSkipped
from murmur_events.troubles import TroubleReported
from murmur_events.validation import ValidationCompleted, ValidationRequested
from murmur_events.workflows import WorkflowApplied
from murmur_events.workspaces import WorkspaceDropped, WorkspaceEmptied

FOR_EVER = timedelta.max
YEAR = timedelta(days=365)
MONTH = timedelta(days=30)
WEEK = timedelta(days=7)

SERVICES = ("tracking", "registry", "trainer", "validator", "deployer", "monitor")
"""The services that decide; the console only shows."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One row of the catalog.

    name:      the topic, which is also the CloudEvents type
    owner:     the service that publishes it, or "model-server"; clients may publish those marked `open_to_clients`
    writers:   all services that publish it, the owner first. Only runs have two: each run has one of them
    aggregate: what `key` identifies; sequences count per aggregate and key
    root:      may begin a chain, so that it needs no cause
    """

    name: str
    event: type[Event]
    owner: str
    aggregate: str
    key: str
    retention: timedelta
    partitions: int = 4
    version: int = 1
    root: bool = False
    open_to_clients: bool = False
    also: str | None = None

    @property
    def writers(self) -> tuple[str, ...]:
        return (self.owner,) if self.also is None else (self.owner, self.also)

    def is_waited_for(self, source: str) -> bool:
        """Not what the second writer says: clients' runs come in floods, and start nothing."""
        return source != self.also

    def key_of(self, event: Event) -> str:
        """The value of the key field: events of one key keep their order."""
        return str(getattr(event, self.key))


def _topic(
    name: str,
    event: type[Event],
    owner: str,
    aggregate: str,
    *,
    key: str | None = None,
    retention: timedelta = YEAR,
    partitions: int = 4,
    root: bool = False,
    open_to_clients: bool = False,
    also: str | None = None,
) -> Topic:
    return Topic(
        name=name,
        event=event,
        owner=owner,
        aggregate=aggregate,
        key=key or aggregate,
        retention=retention,
        partitions=partitions,
        root=root,
        open_to_clients=open_to_clients,
        also=also,
    )


def _by_hand(name: str, event: type[Event]) -> Topic:
    """What is done to the registry at one of its doors: kept for ever, as its memory is."""
    return _topic(name, event, "registry", "model", retention=FOR_EVER, root=True)


CATALOG: tuple[Topic, ...] = (
    _topic("workflow.applied", WorkflowApplied, "trainer", "workflow", retention=FOR_EVER, root=True),
    _topic("dataset.registered", DatasetRegistered, "trainer", "workflow", retention=FOR_EVER),
    _topic("training.requested", TrainingRequested, "trainer", "workflow", root=True, open_to_clients=True),
    _topic("training.skipped", TrainingSkipped, "trainer", "workflow"),
    _topic("sweep.requested", SweepRequested, "trainer", "sweep", key="sweep_id", root=True),
    _topic("sweep.completed", SweepCompleted, "trainer", "sweep", key="sweep_id"),
    _topic("automation.frozen", AutomationFrozen, "trainer", "scope", retention=FOR_EVER, root=True),
    _topic("automation.unfrozen", AutomationUnfrozen, "trainer", "scope", retention=FOR_EVER, root=True),
    _topic("run.started", RunStarted, "trainer", "run", key="run_id", root=True, also="tracking"),
    _topic("run.logged", RunLogged, "trainer", "run", key="run_id", retention=MONTH, root=True, also="tracking"),
    _topic("run.completed", RunCompleted, "trainer", "run", key="run_id", root=True, also="tracking"),
    _topic("run.failed", RunFailed, "trainer", "run", key="run_id", root=True, also="tracking"),
    _topic("experiment.changed", ExperimentChanged, "tracking", "experiment", retention=FOR_EVER, root=True),
    _topic("workspace.dropped", WorkspaceDropped, "tracking", "workspace", retention=FOR_EVER, root=True),
    _topic("workspace.emptied", WorkspaceEmptied, "registry", "workspace", retention=FOR_EVER),
    _topic("model.logged", ModelLogged, "tracking", "logged-model", key="model_id", root=True),
    _topic("run.shared", RunShared, "tracking", "share", key="share_id", root=True),
    _topic("share.viewed", ShareViewed, "tracking", "share", key="share_id", root=True),
    _topic("share.revoked", ShareRevoked, "tracking", "share", key="share_id", root=True),
    _topic("model.registered", ModelRegistered, "registry", "model"),
    _topic("model.promoted", ModelPromoted, "registry", "model", retention=FOR_EVER, root=True),
    _topic("model.rejected", ModelRejected, "registry", "model"),
    _topic("model.archived", ModelArchived, "registry", "model"),
    _topic("promotion.deferred", PromotionDeferred, "registry", "model"),
    _by_hand("model.changed", ModelChanged),
    _by_hand("version.changed", VersionChanged),
    _by_hand("alias.moved", AliasMoved),
    _topic("rollback.requested", RollbackRequested, "registry", "model", root=True),
    _topic("validation.requested", ValidationRequested, "registry", "model"),
    _topic("validation.completed", ValidationCompleted, "validator", "model"),
    _topic("review.requested", ReviewRequested, "registry", "model"),
    _topic("review.decided", ReviewDecided, "registry", "model", root=True),
    _topic("model.deployed", ModelDeployed, "deployer", "deployment", retention=FOR_EVER),
    _topic("deployment.failed", DeploymentFailed, "deployer", "deployment"),
    _topic("batch.requested", BatchRequested, "deployer", "batch", root=True, open_to_clients=True),
    _topic("batch.completed", BatchCompleted, "deployer", "batch"),
    _topic("batch.failed", BatchFailed, "deployer", "batch"),
    _topic("canary.started", CanaryStarted, "deployer", "deployment"),
    _topic("canary.judged", CanaryJudged, "deployer", "deployment"),
    _topic("deployment.rolled_back", DeploymentRolledBack, "deployer", "deployment", root=True),
    _topic("deployment.scaled", DeploymentScaled, "deployer", "deployment", root=True),
    _topic("prediction.logged", PredictionLogged, "model-server", "deployment", retention=WEEK, root=True),
    _topic(
        "feedback.recorded",
        FeedbackRecorded,
        "monitor",
        "deployment",
        retention=MONTH,
        root=True,
        open_to_clients=True,
    ),
    _topic("window.measured", WindowMeasured, "monitor", "deployment", retention=MONTH, root=True),
    _topic("drift.detected", DriftDetected, "monitor", "deployment"),
    _topic("performance.degraded", PerformanceDegraded, "monitor", "deployment"),
    _topic("alert.raised", AlertRaised, "monitor", "subject", key="about"),
    _topic("alert.resolved", AlertResolved, "monitor", "subject", key="about"),
    *(
        _topic(f"{service}.dead-letters", DeadLettered, service, "letter", key="letter_id", partitions=1, root=True)
        for service in SERVICES
    ),
    *(
        _topic(f"{service}.troubles", TroubleReported, service, "trouble", partitions=1, root=True)
        for service in SERVICES
    ),
)

ONE_A_SERVICE: frozenset[type[Event]] = frozenset({DeadLettered, TroubleReported})
"""Events that each service publishes on a topic of its own, so that every topic has one writer."""

_BY_NAME = {topic.name: topic for topic in CATALOG}
_BY_EVENT = {topic.event: topic for topic in CATALOG if topic.event not in ONE_A_SERVICE}
_OF_SERVICE = {(topic.event, topic.owner): topic for topic in CATALOG if topic.event in ONE_A_SERVICE}


def topic_named(name: str) -> Topic:
    """Raises UnknownTopic."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise UnknownTopic(name) from None


def topic_of(event: Event | type[Event]) -> Topic:
    """The topic of an event that has exactly one; for those that have one a service see `topic_of_service`."""
    cls = event if isinstance(event, type) else type(event)
    return _BY_EVENT[cls]


def topic_of_service(event: type[Event], service: str) -> Topic:
    """A service's own topic of such an event. Raises KeyError for an event that has no topic a service."""
    return _OF_SERVICE[event, service]


def dead_letters_of(service: str) -> Topic:
    """Raises UnknownTopic for a service that handles no events."""
    return topic_named(f"{service}.dead-letters")
