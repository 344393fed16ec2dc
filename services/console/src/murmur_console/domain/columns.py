"""Which columns a table of runs has, in which order its rows stand, and how that is written in an address."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from murmur_search import RUNS, FilterRefused, parse_order
from murmur_search.nodes import Field, Kind

ATTRIBUTES = {
    "run_name": "Name",
    "status": "Status",
    "start_time": "Started",
    "end_time": "Ended",
    "user_id": "User",
    "run_id": "Run",
}
"""As the search language calls them, and as people do."""

USUAL = ("run_name", "status", "start_time", "user_id")
MOST_PICKED = 100
_USUAL_METRICS = 4
_USUAL_PARAMS = 4
_OWN_TAGS = ("mlflow.", "murmur.")


@dataclass(frozen=True)
class RunColumn:
    """`name`: the field as the search language writes it; so a column can be searched and sorted by."""

    name: str
    kind: Kind
    key: str

    @property
    def label(self) -> str:
        return ATTRIBUTES[self.key] if self.kind is Kind.ATTRIBUTE else self.key

    @property
    def is_number(self) -> bool:
        return self.kind is Kind.METRIC


def column(name: str) -> RunColumn | None:
    """None for what names no column: an address may hold anything."""
    try:
        (order,) = parse_order([name], RUNS)
    except (FilterRefused, ValueError):
        return None
    of = order.field
    if of.kind is Kind.ATTRIBUTE and of.key not in ATTRIBUTES:
        return None
    return RunColumn(str(of) if of.kind is not Kind.ATTRIBUTE else of.key, of.kind, of.key)


def columns(names: Iterable[str]) -> tuple[RunColumn, ...]:
    """Each once, in the order given."""
    found = (column(name) for name in names)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def written(kind: Kind, key: str) -> str:
    return str(Field(kind, key))


def usual(params: Sequence[str], metrics: Sequence[str]) -> tuple[RunColumn, ...]:
    """Where nobody has chosen yet: who, when, how it went, and the first of what was measured and set."""
    names = [*USUAL, *(written(Kind.METRIC, key) for key in metrics[:_USUAL_METRICS])]
    return columns([*names, *(written(Kind.PARAM, key) for key in params[:_USUAL_PARAMS])])


def choices(params: Sequence[str], metrics: Sequence[str], tags: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """Group -> name of a column -> its label; tags that people set come before those of programs."""
    people_first = sorted(tags, key=lambda key: (key.startswith(_OWN_TAGS), key))
    return {
        "Attributes": dict(ATTRIBUTES),
        "Metrics": {written(Kind.METRIC, key): key for key in metrics},
        "Parameters": {written(Kind.PARAM, key): key for key in params},
        "Tags": {written(Kind.TAG, key): key for key in people_first},
    }


@dataclass(frozen=True)
class TableLook:
    """What somebody looks at: all of it stands in the address, so that a look can be sent to somebody.

    columns: empty for the usual ones. order: a column's name, empty for the latest first.
    """

    filter: str = ""
    columns: tuple[str, ...] = ()
    order: str = ""
    descending: bool = True
    token: str = ""
    picked: tuple[str, ...] = ()

    @property
    def order_by(self) -> str:
        return f"{self.order} {'DESC' if self.descending else 'ASC'}" if self.order else ""

    @property
    def address(self) -> list[tuple[str, str]]:
        plain = {"filter": self.filter, "order": self.order_by, "token": self.token}
        return [
            *((name, value) for name, value in plain.items() if value),
            *(("col", name) for name in self.columns),
            *(("run", run) for run in self.picked),
        ]

    def sorted_by(self, name: str) -> "TableLook":
        """The column's largest first; asked for again, its smallest."""
        descending = not self.descending if name == self.order else True
        return replace(self, order=name, descending=descending, token="")

    def with_picked(self, run: str, on: bool) -> "TableLook":
        others = tuple(one for one in self.picked if one != run)
        return replace(self, picked=((*others, run) if on else others)[-MOST_PICKED:])


def look_of(
    *, filter: str = "", columns: Iterable[str] = (), order: str = "", token: str = "", picked: Iterable[str] = ()
) -> TableLook:
    """From an address. An order that cannot be read is none."""
    name, _, direction = order.rpartition(" ")
    known = column(name) if direction in ("ASC", "DESC") else column(order)
    return TableLook(
        filter=filter,
        columns=tuple(columns),
        order=known.name if known else "",
        descending=direction != "ASC",
        token=token,
        picked=tuple(dict.fromkeys(picked))[:MOST_PICKED],
    )
