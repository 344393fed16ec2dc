"""What names and texts the registry takes: the limits of MLflow's protocol, refused in its words."""

import re
from collections.abc import Mapping

from murmur_mlflow import workspaces
from murmur_mlflow.names import LONGEST_KEY, complaint_of_key, complaint_of_path, too_long
from murmur_registry.domain.refusals import Invalid

LONGEST_NAME = 256
LONGEST_ALIAS = 255
LONGEST_TAG_VALUE = 100_000
LONGEST_TEXT = 100_000
"""Of descriptions, sources and links."""

_ALIAS = re.compile(r"[\w\-]+")
_VERSION_ALIAS = re.compile(r"[vV]\d+")


def workspace_named(text: str) -> str:
    """Raises Invalid."""
    if not workspaces.is_name(text):
        raise Invalid(f"{text!r} is no name of a workspace: {workspaces.A_NAME}")
    return text


def check_model_name(name: str, field: str = "name") -> None:
    """Raises Invalid."""
    if not name.strip():
        raise Invalid(f"Missing value for required parameter '{field}'.")
    if "/" in name or ":" in name:
        raise Invalid(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")
    if complaint := complaint_of_path(name, "name"):
        raise Invalid(complaint)
    _no_longer("name", name, LONGEST_NAME)


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises Invalid."""
    for key, value in tags.items():
        check_tag_key(key)
        _no_longer("value", value, LONGEST_TAG_VALUE)


def check_tag_key(key: str) -> None:
    """Raises Invalid."""
    if complaint := complaint_of_key(key):
        raise Invalid(complaint)
    _no_longer("key", key, LONGEST_KEY)


def check_alias(alias: str) -> None:
    """Whether there may be one of that name at all. Raises Invalid."""
    if not alias:
        raise Invalid("Registered model alias name cannot be empty.")
    if not _ALIAS.fullmatch(alias):
        raise Invalid(
            f"Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )
    _no_longer("Registered model alias name", alias, LONGEST_ALIAS)


def check_new_alias(alias: str) -> None:
    """One that would be taken for something else is reserved. Raises Invalid."""
    check_alias(alias)
    if alias.lower() == "latest":
        raise Invalid("'latest' alias name (case insensitive) is reserved.")
    if _VERSION_ALIAS.fullmatch(alias):
        raise Invalid(f"Version alias name '{alias}' is reserved.")


def check_text(field: str, text: str | None) -> None:
    """Raises Invalid."""
    _no_longer(field, text or "", LONGEST_TEXT)


def _no_longer(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise Invalid(too_long(field, limit))
