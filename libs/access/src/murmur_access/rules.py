"""Which Kafka user may do what, generated from the catalog: its owner column says who writes, this table who reads."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from murmur_events.catalog import CATALOG, SERVICES

OPERATOR = "operator"
"""The broker's own user and the administrator's: no rule binds it, and no service has its password."""
CONSOLE = "console"
"""Reads, and nothing else: the console, and the command line where it shows events."""
CLIENT = "client"
"""Systems outside: they write what the catalog opens to clients."""
MODEL_SERVER = "model-server"
"""Every replica of every model: it writes what it predicted."""
AUDIT = "audit"
"""Reads everything, so that it can be proved later."""
STREAM_GROUP = "murmur-monitor-stream"
"""Faust's consumer group in the monitor, and the beginning of the names of its changelog topics."""

LABELS_GROUP = "murmur-monitor-labels"
"""The monitor's consumer group that joins labels to predictions."""

READS: dict[str, tuple[str, ...]] = {
    "tracking": (
        "run.started",
        "run.logged",
        "run.completed",
        "run.failed",
        "experiment.changed",
        "model.logged",
        "run.shared",
        "share.viewed",
        "share.revoked",
        "workspace.dropped",
        "workspace.emptied",
        "version.changed",
    ),
    "registry": (
        "workspace.dropped",
        "model.logged",
        "experiment.changed",
        "run.completed",
        "validation.completed",
        "workflow.applied",
        "automation.frozen",
        "automation.unfrozen",
        "model.deployed",
        "deployment.failed",
        "canary.started",
        "deployment.rolled_back",
    ),
    "trainer": ("training.requested", "drift.detected", "performance.degraded", "run.completed", "run.failed"),
    "validator": ("model.registered", "validation.requested", "model.promoted", "workflow.applied"),
    "deployer": ("model.promoted", "workflow.applied", "window.measured", "batch.requested", "rollback.requested"),
    "monitor": (
        "workflow.applied",
        "model.deployed",
        "canary.started",
        "deployment.failed",
        "prediction.logged",
        "feedback.recorded",
        *(f"{service}.troubles" for service in SERVICES),
    ),
}
"""What each service's `consumers.py` subscribes to, and what the monitor folds; a test holds them together."""

READS_EVERYTHING = (CONSOLE, AUDIT)

Operation = Literal["READ", "WRITE", "CREATE"]
Resource = Literal["TOPIC", "GROUP"]
Pattern = Literal["LITERAL", "PREFIXED"]


@dataclass(frozen=True, order=True)
class Rule:
    """Allows `user` one operation. What no rule allows is refused by the broker."""

    user: str
    resource: Resource
    name: str
    operation: Operation
    pattern: Pattern = "LITERAL"


def users() -> tuple[str, ...]:
    """Everybody the broker knows, the operator first."""
    named = {*SERVICES, *(topic.owner for topic in CATALOG), *READS_EVERYTHING, CLIENT}
    return (OPERATOR, *sorted(named - {OPERATOR}))


def rules() -> tuple[Rule, ...]:
    """All that is allowed, in a fixed order."""
    return tuple(sorted({*_writing(), *_reading(), *_grouping(), *_folding()}))


def _writing() -> Iterator[Rule]:
    for topic in CATALOG:
        for writer in topic.writers:
            yield Rule(writer, "TOPIC", topic.name, "WRITE")
        if topic.open_to_clients:
            yield Rule(CLIENT, "TOPIC", topic.name, "WRITE")


def _reading() -> Iterator[Rule]:
    for service, topics in READS.items():
        for topic in topics:
            yield Rule(service, "TOPIC", topic, "READ")
    for user in READS_EVERYTHING:
        for one in CATALOG:
            yield Rule(user, "TOPIC", one.name, "READ")


def _grouping() -> Iterator[Rule]:
    """A service reads as a member of its own group only: in another's it could take events away from it."""
    for service in (*READS, AUDIT):
        yield Rule(service, "GROUP", f"murmur-{service}", "READ")


def _folding() -> Iterator[Rule]:
    """Faust keeps the monitor's windows in topics of its own; labels are joined beside it, at their own pace."""
    yield Rule("monitor", "GROUP", STREAM_GROUP, "READ")
    yield Rule("monitor", "GROUP", LABELS_GROUP, "READ")
    for operation in ("READ", "WRITE", "CREATE"):
        yield Rule("monitor", "TOPIC", f"{STREAM_GROUP}-", operation, "PREFIXED")
