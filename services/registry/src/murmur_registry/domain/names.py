"""What names and texts the registry takes: the limits of MLflow's protocol, refused in its words."""

import json
import posixpath
import re
from collections.abc import Mapping

from murmur_registry.domain.refusals import Invalid

LONGEST_NAME = 256
LONGEST_ALIAS = 255
LONGEST_TAG_KEY = 250
LONGEST_TAG_VALUE = 100_000
LONGEST_TEXT = 100_000
"""Of descriptions, sources and links."""

_TAG_KEY = re.compile(r"[/\w.\- :]*")
_ALIAS = re.compile(r"[\w\-]+")
_VERSION_ALIAS = re.compile(r"[vV]\d+")
_WORKSPACE = re.compile(r"[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?")


def workspace_named(text: str) -> str:
    """Raises Invalid."""
    if not _WORKSPACE.fullmatch(text):
        raise Invalid(
            f"{text!r} is not a name for a workspace: up to 63 small letters, digits and dashes, such as 'vision-team'"
        )
    return text


def check_model_name(name: str, field: str = "name") -> None:
    """Raises Invalid."""
    if not name.strip():
        raise Invalid(f"Missing value for required parameter '{field}'.")
    if "/" in name or ":" in name:
        raise Invalid(f"Invalid model name '{name}'. Names cannot contain '/' or ':'.")
    if _is_a_path(name):
        raise Invalid(_would_resolve("name", name))
    _no_longer("name", name, LONGEST_NAME)


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises Invalid."""
    for key, value in tags.items():
        check_tag_key(key)
        _no_longer("value", value, LONGEST_TAG_VALUE)


def check_tag_key(key: str) -> None:
    """Raises Invalid."""
    if not _TAG_KEY.fullmatch(key):
        raise Invalid(
            f"Invalid value {json.dumps(key)} for parameter 'key' supplied: Names may only contain alphanumerics,"
            " underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        )
    if _is_a_path(key):
        raise Invalid(_would_resolve("key", key))
    _no_longer("key", key, LONGEST_TAG_KEY)


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
        raise Invalid(f"'{field}' exceeds the maximum length of {limit} characters")


def _is_a_path(name: str) -> bool:
    plain = posixpath.normpath(name)
    return plain != name or plain == "." or plain.startswith(("..", "/"))


def _would_resolve(field: str, name: str) -> str:
    return (
        f"Invalid value {json.dumps(name)} for parameter '{field}' supplied: Names may be treated as files in certain"
        f" cases, and must not resolve to other names when treated as such. This name would resolve to"
        f" {posixpath.normpath(name)!r}"
    )
