"""Which team's names a call means: it says so in a header."""

from fastapi import Request

from murmur_tracking.domain import workspaces
from murmur_tracking.domain.refusals import BadValue

HEADER = "X-Murmur-Workspace"


def workspace_of(request: Request) -> str:
    """Raises BadValue."""
    name = request.headers.get(HEADER) or workspaces.DEFAULT
    if not workspaces.is_name(name):
        raise BadValue(
            f"{HEADER}: {name!r} is no name of a workspace: up to 63 letters, digits, '_', '-', the first a letter or a"
            f" digit"
        )
    return name
