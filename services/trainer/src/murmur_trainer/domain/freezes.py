"""What operators forbid to be done by itself: of one workflow, or of all."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

Automation = Literal["retraining", "promotion"]

EVERY = "*"
"""Stands in a scope for all workflows; no workflow can be named so."""


def scope_of(what: Automation, workflow: str | None) -> str:
    return f"{what}/{workflow or EVERY}"


@dataclass(frozen=True, kw_only=True)
class Freeze:
    """One scope, frozen or free again. `revision` counts its changes: whoever hears them late knows the newest."""

    scope: str
    what: Automation
    workflow: str | None
    active: bool
    revision: int
    by: str
    reason: str
    at: datetime

    def changed(self, *, active: bool, by: str, reason: str, at: datetime) -> "Freeze":
        return replace(self, active=active, revision=self.revision + 1, by=by, reason=reason, at=at)

    @property
    def words(self) -> str:
        """Who froze what, and why, for people."""
        where = f"workflow {self.workflow!r}" if self.workflow else "all workflows"
        return f"{self.what} of {where} was frozen by {self.by} at {self.at:%F %T}Z: {self.reason}"


def never_frozen(what: Automation, workflow: str | None, at: datetime) -> Freeze:
    scope = scope_of(what, workflow)
    return Freeze(
        scope=scope, what=what, workflow=workflow, active=False, revision=0, by="nobody", reason="never", at=at
    )


def effective(freezes: Iterable[Freeze | None]) -> Freeze | None:
    """Any that is active holds, the narrowest named first; lifting one leaves the others in force."""
    active = [freeze for freeze in freezes if freeze is not None and freeze.active]
    return min(active, key=lambda freeze: freeze.workflow is None, default=None)
