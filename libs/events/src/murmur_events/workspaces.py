"""The end of a workspace, with all that is in it."""

from pydantic import AwareDatetime, Field

from murmur_events.base import Event


class WorkspaceDropped(Event):
    """All that was filed under this workspace is gone, and its name begins anew.

    Other events of tracking name a workspace that was dropped n times `<workspace>.<n>`, so that what comes late falls
    to the one that it is of.
    """

    workspace: str
    generation: int = Field(ge=0, description="which one ended: 0 is the first of that name")
    dropped_at: AwareDatetime


class WorkspaceEmptied(Event):
    """The registry has heard of the end: the models of this workspace are gone, too."""

    workspace: str
    generation: int = Field(ge=0, description="which one ended, as workspace.dropped says it")
    models: int = Field(ge=0, description="how many registered models went")
