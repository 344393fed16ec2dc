"""What operators forbid the flock to do by itself, and allow again."""

from typing import Literal

from pydantic import Field

from murmur_events.base import Event, WorkflowName

Automation = Literal["retraining", "promotion"]


class AutomationFrozen(Event):
    """From now on it is not done by itself; what people ask for is. A higher revision of a scope is newer."""

    scope: str = Field(description="`<what>/<workflow>`, or `<what>/*` for all workflows")
    what: Automation
    workflow: WorkflowName | None = Field(default=None, description="absent: all workflows")
    revision: int = Field(ge=1, description="counts the changes of this scope, freezes and unfreezes alike")
    by: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class AutomationUnfrozen(Event):
    """This scope is free again; a wider or narrower one that is frozen still holds."""

    scope: str
    what: Automation
    workflow: WorkflowName | None = None
    revision: int = Field(ge=1)
    by: str = Field(min_length=1)
    reason: str = Field(min_length=1)
