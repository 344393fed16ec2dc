"""What names of metrics, parameters and tags may look like, and how long they and their values may be."""

from murmur_mlflow.fields import Fields
from murmur_mlflow.names import LONGEST_KEY, complaint_of_key, too_long
from murmur_mlflow.refusals import BadValue

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
    if complaint := complaint_of_key(key, fields.place_of(name) if shown is None else shown):
        raise BadValue(complaint)
    if len(key) > LONGEST_KEY:
        raise BadValue(too_long(title, LONGEST_KEY))
    if len(_KNOWN) < _MOST_KNOWN:
        _KNOWN.add(key)
    return key
