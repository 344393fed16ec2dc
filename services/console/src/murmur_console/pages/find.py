"""From an id to the page that shows it."""

from urllib.parse import urlencode

from nicegui import ui
from starlette.responses import RedirectResponse

from murmur_console.context import Console
from murmur_console.domain.story import Hit
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import tag, text
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table

_COLUMNS = (Column("what", "What"), Column("id", "Id"), Column("workflow", "Workflow"), Column("time", "When"))


def register(console: Console) -> None:
    @ui.page("/find")
    def find(q: str = "") -> RedirectResponse | None:
        """One hit is gone to at once; several are listed; none is explained."""
        wanted = q.strip()
        if wanted in console.memory.estate.workflows:
            return RedirectResponse(f"/workflows/{wanted}")
        hits = console.memory.story.find(wanted)
        if len({(hit.chain, hit.fact) for hit in hits}) == 1:
            return RedirectResponse(path_of(hits[0]))
        with frame(console, f"Find {wanted}", room="", search=wanted):
            with tag("div", "m-head"):
                text("h1", f"{len(hits)} things begin with “{wanted}”" if hits else f"Nothing begins with “{wanted}”")
            rows = Table("What was found", _COLUMNS)
            with rows:
                text(
                    "p", "Search takes the beginning of a run id, event id or correlation id, a workflow, or a version:"
                )
                text("pre", "credit 2", "m-command")
            rows.show(_row(hit) for hit in hits)
        return None


def path_of(hit: Hit) -> str:
    query = {"chain": hit.chain} | ({"event": hit.fact} if hit.fact else {})
    return f"/workflows/{hit.workflow or 'other'}?{urlencode(query)}"


def _row(hit: Hit) -> Row:
    return Row(
        f"{hit.what} {hit.id}",
        {
            "what": table.text(hit.what),
            "id": table.link(hit.id, path_of(hit)),
            "workflow": table.text(hit.workflow or ""),
            "time": table.when(hit.time),
        },
    )
