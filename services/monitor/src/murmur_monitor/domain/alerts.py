"""What wants a person's attention, from when it was raised until it is over."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal


class AlertStatus(StrEnum):
    RAISED = "raised"
    RESOLVED = "resolved"


Severity = Literal["warning", "critical"]


@dataclass(frozen=True)
class Alert:
    """The same id is raised once until it is resolved. `service` noticed it; `deployment` where it is about one."""

    id: str
    about: str
    deployment: str | None
    service: str
    severity: Severity
    title: str
    detail: str
    raised_at: datetime
    correlation_id: str
    cause: str | None
    status: AlertStatus = AlertStatus.RAISED
    resolved_at: datetime | None = None

    def resolved(self, at: datetime) -> "Alert":
        return replace(self, status=AlertStatus.RESOLVED, resolved_at=at)


_FAILED = "deployment-failed/"
_UNTESTED = "drift-not-tested/"


def failed_deployment(deployment: str, version: int) -> str:
    return f"{_FAILED}{deployment}/{version}"


def untested(deployment: str, version: int) -> str:
    return f"{_UNTESTED}{deployment}/{version}"


def trouble(service: str, trouble_id: str) -> str:
    """Another service's trouble: its id counts within that service."""
    return f"{service}/{trouble_id}"


def ends_with_next_version(alert_id: str) -> bool:
    """Whether it is over as soon as another version serves. Drift is not: a window of that version must be good."""
    return alert_id.startswith((_FAILED, _UNTESTED))
