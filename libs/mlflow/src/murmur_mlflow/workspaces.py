"""Whose names a call means: a header says it, and each service takes its workspaces for the same.

One that is dropped is gone, and its name stands for the next generation. What is kept and what events say names the
generation, too: `team-b`, then `team-b.1`.
"""

import re
from collections.abc import Mapping

from murmur_mlflow.refusals import BadValue

HEADER = "X-Murmur-Workspace"
DEFAULT = "default"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
A_NAME = "up to 63 letters, digits, '_', '-', the first a letter or a digit"


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def named_in(headers: Mapping[str, str]) -> str:
    """The workspace that a call names. Raises BadValue."""
    name = headers.get(HEADER) or DEFAULT
    if not is_name(name):
        raise BadValue(f"{HEADER}: {name!r} is no name of a workspace: {A_NAME}")
    return name


def internal(name: str, generation: int) -> str:
    """As what is kept names it. No name that people may give has a dot."""
    return f"{name}.{generation}" if generation else name


def parts(internal_name: str) -> tuple[str, int]:
    """The name that people say, and the generation."""
    name, _, generation = internal_name.partition(".")
    return name, int(generation or 0)
