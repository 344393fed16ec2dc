"""The ledger of an import: what was taken, brought up to date, was there already, is left and why."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    EXPERIMENT = "experiments"
    LOGGED_MODEL = "logged models"
    RUN = "runs"
    FILE = "files"
    MODEL = "registered models"
    VERSION = "versions"


@dataclass(frozen=True)
class Left:
    """expected: it was not asked for, or stays where it is by its nature."""

    kind: Kind
    name: str
    reason: str
    expected: bool = False


def _unheard(kind: Kind) -> None:
    return None


@dataclass
class Tally:
    """changed: hears of every kind of which something has come to its end."""

    changed: Callable[[Kind], None] = _unheard
    taken: Counter[Kind] = field(default_factory=Counter)
    updated: Counter[Kind] = field(default_factory=Counter)
    there: Counter[Kind] = field(default_factory=Counter)
    found: Counter[Kind] = field(default_factory=Counter)
    left: list[Left] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    bytes: int = 0

    @property
    def is_whole(self) -> bool:
        return all(one.expected for one in self.left)

    def finds(self, kind: Kind, count: int = 1) -> None:
        """So many are to be looked at."""
        self.found[kind] += count
        self.changed(kind)

    def takes(self, kind: Kind, *, anew: bool = True) -> None:
        (self.taken if anew else self.updated)[kind] += 1
        self.changed(kind)

    def has(self, kind: Kind, count: int = 1) -> None:
        self.there[kind] += count
        self.changed(kind)

    def leaves(self, kind: Kind, name: str, reason: str, *, expected: bool = False) -> None:
        self.left.append(Left(kind, name, reason, expected))
        self.changed(kind)

    def remarks_once(self, remark: str) -> None:
        if remark not in self.remarks:
            self.remarks.append(remark)

    def done(self, kind: Kind) -> int:
        left = sum(one.kind is kind for one in self.left)
        return self.taken[kind] + self.updated[kind] + self.there[kind] + left
