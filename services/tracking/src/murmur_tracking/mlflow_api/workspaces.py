"""Which team's names a call means: it says so in a header."""

import re

from fastapi import Request

from murmur_tracking.mlflow_api.errors import invalid

HEADER = "X-Murmur-Workspace"
DEFAULT = "default"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def workspace_of(request: Request) -> str:
    """Raises MlflowError."""
    name = request.headers.get(HEADER) or DEFAULT
    if not _NAME.fullmatch(name):
        raise invalid(
            f"{HEADER}: {name!r} is no name of a workspace: up to 63 letters, digits, '.', '_', '-', the first a letter"
            f" or a digit"
        )
    return name
