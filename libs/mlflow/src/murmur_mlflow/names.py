"""What keys of tags, parameters and metrics may look like in MLflow's protocol, and the words that refuse others."""

import json
import posixpath
import re

LONGEST_KEY = 250

_KEY = re.compile(r"[/\w.\- :]*")


def complaint_of_key(key: str, field: str = "key") -> str | None:
    """Why it can be no key. field: what the complaint calls it."""
    if not _KEY.fullmatch(key):
        return (
            f"Invalid value {json.dumps(key)} for parameter '{field}' supplied: Names may only contain alphanumerics,"
            f" underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        )
    return complaint_of_path(key, field)


def complaint_of_path(name: str, field: str) -> str | None:
    """Why it can be no name of anything, since a file of that name would be another."""
    plain = posixpath.normpath(name)
    if plain == name and plain != "." and not plain.startswith(("..", "/")):
        return None
    return (
        f"Invalid value {json.dumps(name)} for parameter '{field}' supplied: Names may be treated as files in certain"
        f" cases, and must not resolve to other names when treated as such. This name would resolve to '{plain}'"
    )


def too_long(title: str, longest: int) -> str:
    """longest: in characters"""
    return f"'{title}' exceeds the maximum length of {longest} characters"
