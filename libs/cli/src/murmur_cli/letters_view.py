"""One dead letter as a page for people: what is wrong first, then what was decided, then the record itself."""

import json

from rich.console import Group, RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from murmur_cli.door import Json


def letter_page(service: str, letter: Json) -> RenderableType:
    parts: list[RenderableType] = [
        Text(f"{letter['topic']} {letter['key']}  ", style="bold")
        + Text(f"{service}, {letter['at']}, version {letter['version']}", style="dim"),
        Text(f"{letter['error']}: {letter['reason']}", style="red"),
    ]
    if letter["complaints"]:
        parts += [Text(""), _rows(letter["complaints"], ("path", "found", "expected"))]
    if letter["edits"]:
        parts += [Text("\nEdits", style="bold"), _rows(letter["edits"], ("at", "by", "reason"))]
    place = f"{letter['topic']}/{letter['partition']} at offset {letter['offset']}"
    headers = [{"header": name, "value": value} for name, value in {"id": letter["id"], "place": place}.items()]
    headers += [{"header": name, "value": value} for name, value in letter["headers"].items()]
    parts += [Text("\nRecord", style="bold"), _rows(headers, ("header", "value")), Text("\nPayload", style="bold")]
    parts += [_payload(letter["value"]), Text(""), Text(_next(letter), style="dim")]
    return Group(*parts)


def _rows(rows: list[Json], columns: tuple[str, ...]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in columns))
    return table


def _payload(value: str) -> RenderableType:
    try:
        return Syntax(json.dumps(json.loads(value), indent=2, ensure_ascii=False), "json", background_color="default")
    except ValueError:
        return Text(value)


def _next(letter: Json) -> str:
    short = letter["id"][:8]
    ways = [f"murmur dead-letters edit {short} --reason …"] if letter["editable"] else []
    return "  or  ".join([*ways, f"murmur dead-letters redrive {short}", f"murmur dead-letters discard {short} -r …"])
