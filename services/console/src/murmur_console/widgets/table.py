"""Tables whose rows are patched in place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from murmur_console.domain.facts import Tone
from murmur_console.palette import hue_of

Cell = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """`key` names its cell in each row. sort: how rows are sorted by it; empty where they cannot be."""

    key: str
    label: str
    align: Literal["left", "right"] = "left"
    sort: Literal["", "none", "ascending", "descending"] = ""


@dataclass(frozen=True)
class Row:
    """`id` is what keeps it the same row when the data change."""

    id: str
    cells: dict[str, Cell]


class Table(Element, component="table.js"):
    """`on_pick(row)` hears of a chosen row, `on_sort(column)` of a column to sort by, `on_check(row, on)` of a row that
    was ticked or is no more. Children are shown while there are no rows."""

    def __init__(
        self,
        caption: str,
        columns: Iterable[Column],
        *,
        on_pick: Callable[[str], object] | None = None,
        on_sort: Callable[[str], object] | None = None,
        on_check: Callable[[str, bool], object] | None = None,
    ) -> None:
        super().__init__()
        self._props["caption"] = caption
        self._props["columns"] = [vars(column) for column in columns]
        self._props["rows"] = []
        self._props["pickable"] = on_pick is not None
        if on_pick is not None:

            def pick(event: GenericEventArguments) -> object:
                return on_pick(event.args)

            self.on("pick", pick)
        if on_sort is not None:

            def sort(event: GenericEventArguments) -> object:
                return on_sort(event.args)

            self.on("sort", sort)
        if on_check is not None:

            def check(event: GenericEventArguments) -> object:
                return on_check(event.args["id"], event.args["on"])

            self.on("check", check)

    def head(self, columns: Iterable[Column]) -> None:
        """Other columns; rows that fit them must be shown at once."""
        self._props["columns"] = [vars(column) for column in columns]
        self._props["rows"] = []

    def show(self, rows: Iterable[Row], *, selected: str | None = None) -> None:
        fresh = [vars(row) for row in rows]
        if fresh != self._props["rows"] or selected != self._props.get("selected"):
            self._props["rows"] = fresh
            self._props["selected"] = selected
            self.update()


def text(value: object, *, tone: Tone = Tone.PLAIN, title: str = "", note: str = "", indent: int = 0) -> Cell:
    return {"kind": "text", "text": str(value), "tone": tone, "title": title, "note": note, "indent": indent}


def count(value: int, *, tone: Tone = Tone.PLAIN, note: str = "") -> Cell:
    """A number that is unwell when it is not 0 stands out only then."""
    return text(f"{value:,}", tone=tone if value else Tone.PLAIN, note=note if value else "")


def link(label: object, href: str, *, tone: Tone = Tone.PLAIN, note: str = "", away: bool = False) -> Cell:
    return {"kind": "link", "text": str(label), "href": href, "tone": tone, "note": note, "away": away}


def ident(value: str) -> Cell:
    """A long id: its beginning, the whole on click."""
    return {"kind": "id", "text": value}


def when(time: datetime | None) -> Cell:
    """Relative, exact on hover."""
    return {"kind": "when", "time": time.isoformat()} if time else text("")


def clock(time: datetime) -> Cell:
    return {"kind": "clock", "time": time.isoformat()}


def service(name: str) -> Cell:
    return {"kind": "service", "text": name, "hue": hue_of(name)}


def check(label: str, *, on: bool) -> Cell:
    """label: for those who do not see in which row it stands."""
    return {"kind": "check", "text": label, "on": on}


def pick(label: str, *, tone: Tone = Tone.PLAIN, indent: int = 0) -> Cell:
    """What chooses its row by keyboard; the whole row does by pointer."""
    return {"kind": "pick", "text": label, "tone": tone, "indent": indent}
