"""Found runs as rows of a table, and the ways from them to their own pages."""

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote, urlencode

from murmur_console.domain.columns import RunColumn, TableLook
from murmur_console.domain.facts import Tone
from murmur_console.domain.numbers import exact
from murmur_console.research import FoundRun
from murmur_console.widgets import table
from murmur_console.widgets.table import Cell, Column, Row
from murmur_search.nodes import Kind

_TROUBLE = {"FAILED": Tone.TROUBLE, "KILLED": Tone.CAUTION}
_LONGEST = 120


def run_path(run: str) -> str:
    return f"/runs/{quote(run, safe='')}"


def compare_path(runs: Sequence[str], workspace: str = "") -> str:
    """workspace: of all the runs; empty for the default one."""
    said = [*(("run", run) for run in runs), *([("workspace", workspace)] if workspace else [])]
    return f"/compare?{urlencode(said)}"


def head_of(columns: Sequence[RunColumn], look: TableLook) -> list[Column]:
    return [Column("", ""), *(_head(one, look) for one in columns)]


def _head(column: RunColumn, look: TableLook) -> Column:
    align: Literal["left", "right"] = "right" if column.is_number else "left"
    if column.name != look.order:
        return Column(column.name, column.label, align, "none")
    return Column(column.name, column.label, align, "descending" if look.descending else "ascending")


def row_of(run: FoundRun, columns: Sequence[RunColumn], *, picked: bool) -> Row:
    cells = {one.name: _cell(run, one) for one in columns}
    return Row(run.run_id, {"": table.check(f"Compare {run.name or run.run_id}", on=picked), **cells})


def _cell(run: FoundRun, column: RunColumn) -> Cell:
    match column.kind:
        case Kind.METRIC:
            return table.text(exact(run.metrics[column.key]) if column.key in run.metrics else "")
        case Kind.PARAM:
            return _short(run.params.get(column.key, ""))
        case Kind.TAG:
            return _short(run.tags.get(column.key, ""))
        case _:
            return _attribute(run, column.key)


def _attribute(run: FoundRun, key: str) -> Cell:
    match key:
        case "run_name":
            return table.link(run.name or run.run_id, run_path(run.run_id))
        case "status":
            return table.text(run.status.lower(), tone=_TROUBLE.get(run.status, Tone.PLAIN))
        case "start_time":
            return table.when(run.started_at)
        case "end_time":
            return table.when(run.ended_at)
        case "user_id":
            return table.text(run.user)
        case _:
            return table.ident(run.run_id)


def _short(value: str) -> Cell:
    return table.text(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…", title=value[:2000])
