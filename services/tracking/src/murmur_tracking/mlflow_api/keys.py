"""What names of metrics, parameters and tags may look like, and how long they and their values may be."""

import posixpath
import re

from murmur_tracking.domain.refusals import BadValue
from murmur_tracking.mlflow_api.fields import Fields

_KEY = re.compile(r"^[/\w.\- :]*$")
LONGEST_KEY = 250
LONGEST_PARAMETER = 6000
LONGEST_TAG = 8000
LONGEST_EXPERIMENT_TAG = 20_000

_KNOWN: set[str] = set()
_MOST_KNOWN = 10_000


def checked_key(fields: Fields, title: str, shown: str | None = None, *, name: str = "key") -> str:
    """The key that is said. title: in complaints of its length; shown: in those of its characters. Raises BadValue."""
    key = fields.required(name)
    if key in _KNOWN:
        return key
    where = fields.place_of(name) if shown is None else shown
    if not _KEY.match(key):
        raise BadValue(
            f"Invalid value \"{key}\" for parameter '{where}' supplied: Names may only contain alphanumerics,"
            f" underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/)."
        )
    if (norm := posixpath.normpath(key)) != key or norm == "." or norm.startswith(("..", "/")):
        raise BadValue(
            f"Invalid value \"{key}\" for parameter '{where}' supplied: Names may be treated as files in certain cases,"
            f" and must not resolve to other names when treated as such. This name would resolve to '{norm}'"
        )
    if len(key) > LONGEST_KEY:
        raise BadValue(f"'{title}' exceeds the maximum length of {LONGEST_KEY} characters")
    if len(_KNOWN) < _MOST_KNOWN:
        _KNOWN.add(key)
    return key
