"""The ledger: whether its chain holds, its entries by what they say, and one of them opened between its neighbours."""

from collections.abc import Mapping
from urllib.parse import urlencode

from nicegui import ui

from murmur_console import ledger
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.facts import Tone
from murmur_console.ledger import FILTERS, Entry, Opened, Summary
from murmur_console.pages.details import pretty, show_pairs
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import button, tag, text
from murmur_console.widgets import table
from murmur_console.widgets.table import Cell, Column, Row, Table

_COLUMNS = (
    Column("position", "Entry", "right"),
    Column("time", "Time"),
    Column("service", "Service"),
    Column("topic", "Event"),
    Column("key", "Key"),
    Column("correlation", "Chain"),
    Column("hash", "Hash"),
)
_HEALTH = (Column("what", "The chain"), Column("state", "State"), Column("note", "When"))
_LABELS = {
    "topic": "Topic",
    "key": "Key",
    "correlation_id": "Correlation id",
    "event_id": "Event id",
    "since": "Since",
    "until": "Until",
}
_HINTS = {"since": "2026-11-25T08:00:00Z", "until": "2026-11-25T09:00:00Z", "topic": "model.promoted"}
_LOOK_SECONDS = 2.0


def register(console: Console) -> None:
    @ui.page("/audit")
    def audit(
        topic: str = "",
        key: str = "",
        correlation_id: str = "",
        event_id: str = "",
        since: str = "",
        until: str = "",
        cursor: str = "",
        entry: int = 0,
    ) -> None:
        asked = dict(zip(FILTERS, (topic, key, correlation_id, event_id, since, until), strict=True))
        _Ledger(console, {name: value for name, value in asked.items() if value}, cursor, entry).build()


class _Ledger:
    """One look at the page: what is asked for, which page of it, which entry is open."""

    def __init__(self, console: Console, filters: Mapping[str, str], cursor: str, selected: int) -> None:
        self._console = console
        self._filters = filters
        self._cursor = cursor
        self._selected = selected
        self._head = 0

    def build(self) -> None:
        with frame(self._console, "Audit", room="Audit"):
            with tag("div", "m-head"):
                text("h1", "Audit")
                self._words = text("p", "", "m-muted")
            self._notice = text("p", "", "m-notice", role="status")
            self._health = Table("Whether the chain holds", _HEALTH)
            self._form()
            self._table = Table("Entries of the ledger, newest first", _COLUMNS, on_pick=self._open)
            with self._table:
                text("p", "No entry says this." if self._filters else "The ledger is empty: nothing has happened yet.")
                text("pre", "murmur audit verify", "m-command")
            self._older = text("a", "", "m-more", href="#")
            self._detail = tag("section", "m-detail", aria_label="The chosen entry")
        ui.timer(0, self._begin, once=True)
        ui.timer(_LOOK_SECONDS, self._refresh, immediate=False)

    def _form(self) -> None:
        """A form of the browser's own: what is asked for stands in the address."""
        with tag("form", "m-filters", action="/audit", method="get", role="search", aria_label="Find entries"):
            for name in FILTERS:
                with tag("label"):
                    text("span", _LABELS[name])
                    tag(
                        "input",
                        name=name,
                        value=self._filters.get(name, ""),
                        placeholder=_HINTS.get(name, ""),
                        autocomplete="off",
                        spellcheck="false",
                    )
            text("button", "Find", "m-button m-primary", type="submit")
            if self._filters:
                text("a", "Show all", href="/audit")

    async def _begin(self) -> None:
        await self._refresh()
        if self._selected:
            await self._show_detail()

    async def _refresh(self) -> None:
        query = {**self._filters, **({"cursor": self._cursor} if self._cursor else {})}
        try:
            summary = await ledger.summary(self._console.door)
            page = await ledger.entries(self._console.door, query)
        except DoorError as error:
            self._tell(f"What is shown may be old: {error}", "m-notice m-trouble")
            return
        self._tell("", "m-notice")
        self._head = summary.head.position
        self._words.text = (
            f"{summary.head.position:,} entries: {summary.events:,} events, {summary.digests:,} digests of"
            f" {summary.digested:,} records"
        )
        self._health.show(_health(summary))
        self._table.show((_row(entry) for entry in page.items), selected=str(self._selected or ""))
        self._older.text = "Older entries" if page.next else ""
        self._older.props["href"] = f"/audit?{urlencode({**self._filters, 'cursor': page.next or ''})}"

    async def _open(self, position: str) -> None:
        self._selected = int(position)
        cursor = {"cursor": self._cursor} if self._cursor else {}
        address = urlencode({**self._filters, **cursor, "entry": position})
        ui.navigate.history.replace(f"/audit?{address}")
        await self._refresh()
        await self._show_detail()

    async def _show_detail(self) -> None:
        try:
            opened = await ledger.entry(self._console.door, self._selected)
        except DoorError as error:
            self._tell(f"Entry {self._selected} cannot be shown: {error}", "m-notice m-trouble")
            return
        self._detail.clear()
        with self._detail:
            _show(opened)
            with tag("div", "m-actions"):
                if opened.position > 1:
                    button(f"Entry {opened.position - 1:,} before", lambda: self._open(str(opened.position - 1)))
                if opened.position < self._head:
                    button(f"Entry {opened.position + 1:,} behind", lambda: self._open(str(opened.position + 1)))

    def _tell(self, words: str, classes: str) -> None:
        if self._notice.text != words:
            self._notice.text = words
            self._notice.classes(replace=classes)


def _health(summary: Summary) -> list[Row]:
    signed, verified = summary.last_checkpoint, summary.verified
    rows = [
        ("head", "Head", table.text(f"entry {summary.head.position:,}"), table.ident(summary.head.hash)),
        (
            "signed",
            "Last checkpoint",
            table.text(f"entry {signed.position:,}, key {signed.key}" if signed else "none yet"),
            table.when(signed.at if signed else None),
        ),
    ]
    if verified is None:
        rows.append(("verified", "Verified", table.text("not yet"), table.text("")))
    elif verified.ok:
        rows.append(("verified", "Verified", table.text(f"well up to {verified.up_to:,}"), table.when(verified.at)))
    else:
        first = verified.faults[0]
        what = f"{len(verified.faults)} faults, the first at entry {first.position:,}: {first.kind} {first.topic}"
        note = "murmur audit verify tells all"
        rows.append(("verified", "Verified", table.text(what, tone=Tone.TROUBLE, note=note), table.when(verified.at)))
    if summary.lag:
        rows.append(("lag", "Not recorded yet", table.text(f"{summary.lag:,} records"), table.text("")))
    return [Row(key, {"what": table.text(what), "state": state, "note": note}) for key, what, state, note in rows]


def _row(entry: Entry) -> Row:
    return Row(
        str(entry.position),
        {
            "position": table.text(f"{entry.position:,}"),
            "time": table.clock(entry.time),
            "service": table.service(entry.source) if entry.source else table.text(""),
            "topic": table.pick(_says(entry)),
            "key": table.text(entry.key),
            "correlation": _chain(entry),
            "hash": table.ident(entry.hash),
        },
    )


def _says(entry: Entry) -> str:
    match entry.kind:
        case "event":
            return entry.topic
        case "digest":
            return f"{entry.topic}: digest of {entry.count:,}"
        case _:
            return "where partitions stand"


def _chain(entry: Entry) -> Cell:
    if not entry.correlation_id:
        return table.text("")
    return table.link(entry.correlation_id[:8], f"/audit?{urlencode({'correlation_id': entry.correlation_id})}")


def _show(opened: Opened) -> None:
    text("h2", f"Entry {opened.position:,}: {_says(opened)}")
    if not opened.intact:
        text("p", "Its bytes are not those that were appended: the hash is another.", "m-trouble")
    offsets = f"{opened.first}" if opened.first == opened.last else f"{opened.first} to {opened.last}"
    show_pairs(
        {
            "hash": opened.hash,
            "previous hash": opened.previous,
            "appended": opened.at.isoformat(sep=" ", timespec="milliseconds"),
            "place": f"{opened.topic}/{opened.partition} at offset {offsets}",
            **({"sha256 of its records": opened.sha256} if opened.sha256 else {}),
        }
    )
    if opened.value is not None:
        text("h3", "Payload")
        text("pre", pretty(opened.value), "m-payload", tabindex="0")
        with tag("details"):
            text("summary", "Headers")
            show_pairs(opened.headers)
