"""Whether a file has the columns that a model takes, no more and no fewer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_MOST_NAMES = 30


@dataclass(frozen=True)
class Column:
    """type: as Arrow names it. numeric: whether every value can be a number, or missing."""

    name: str
    type: str
    numeric: bool


@dataclass(frozen=True)
class BatchInput:
    """A file that came through the door, as its own head describes it: named by its digest."""

    sha256: str
    uri: str
    size: int
    rows: int
    columns: tuple[Column, ...]
    at: datetime


def difference(title: str, takes: Sequence[str], found: Sequence[Column]) -> str | None:
    """All that is wrong, in words, or None. title: of the version, such as `version 3 of 'credit'`."""
    names = [column.name for column in found]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    missing = [name for name in takes if name not in names]
    extra = [name for name in names if name not in takes]
    complaints = [
        *([f"column {_listed(missing)} is missing"] if missing else []),
        *([f"column {_listed(extra)} is none of the model's: leave it out"] if extra else []),
        *([f"column {_listed(repeated)} is there more than once"] if repeated else []),
        *(
            f"column {column.name!r} has type {column.type}: models take numbers"
            for column in found
            if not column.numeric and column.name in takes
        ),
    ]
    if not complaints:
        return None
    return f"{'; '.join(complaints)} ({title} takes {_listed(takes)})"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_MOST_NAMES])
    return f"{shown}, … ({len(names)} in all)" if len(names) > _MOST_NAMES else shown
