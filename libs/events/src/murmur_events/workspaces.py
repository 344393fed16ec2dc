"""The end of a workspace, with all that is in it."""

from pydantic import AwareDatetime, Field

from murmur_events.base import Event


class WorkspaceDropped(Event):
    """All that was filed under this workspace is gone, and its name begins anew.

    Other events name a workspace that was dropped n times `<workspace>.<n>`, so that what comes late falls to the one
    that it is of.
    """

    workspace: str
    generation: int = Field(ge=0, description="which one ended: 0 is the first of that name")
    dropped_at: AwareDatetime
