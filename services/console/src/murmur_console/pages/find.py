"""From an id to the page that shows it."""

import asyncio
from urllib.parse import urlencode

from nicegui import ui
from starlette.responses import RedirectResponse

from murmur_console import research
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.story import Hit
from murmur_console.pages.deployment.heading import path_of as deployment_path
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import tag, text
from murmur_console.pages.run_rows import run_path
from murmur_console.predictions import look_up
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table

_COLUMNS = (Column("what", "What"), Column("id", "Id"), Column("workflow", "Workflow"), Column("time", "When"))

_PATIENCE_SECONDS = 10.0


def register(console: Console) -> None:
    @ui.page("/find", response_timeout=_PATIENCE_SECONDS)
    async def find(q: str = "") -> RedirectResponse | None:
        """One hit is gone to at once; several are listed; none is explained. What no event here names may be a request,
        or a run that the console has not heard of or has forgotten."""
        wanted = q.strip()
        if wanted in console.memory.estate.workflows:
            return RedirectResponse(f"/workflows/{wanted}")
        hits = console.memory.story.find(wanted)
        if len({(hit.chain, hit.fact) for hit in hits}) == 1:
            return RedirectResponse(path_of(hits[0]))
        predicted: list[str] = []
        is_run = False
        if wanted and not hits:
            predicted, is_run = await asyncio.gather(_predictions(console, wanted), _is_run(console, wanted))
        if is_run:
            return RedirectResponse(run_path(wanted))
        if len(predicted) == 1:
            return RedirectResponse(_path_of_prediction(predicted[0], wanted))
        with frame(console, f"Find {wanted}", room="", search=wanted):
            with tag("div", "m-head"):
                text("h1", _heading(wanted, len(hits), len(predicted)))
            rows = Table("What was found", _COLUMNS)
            with rows:
                text(
                    "p",
                    "Search takes the beginning of a run id, event id or correlation id, a workflow, a version, or the"
                    " whole id of a request that was answered:",
                )
                text("pre", "credit 2", "m-command")
            rows.show([*map(_row, hits), *(_predicted(name, wanted) for name in predicted)])
        return None


async def _predictions(console: Console, wanted: str) -> list[str]:
    """The deployments that have answered a request of that id; those that cannot tell now are left out."""

    async def answered(name: str) -> bool:
        try:
            await look_up(console.door, name, wanted)
        except DoorError:
            return False
        return True

    names = [name for name, history in sorted(console.memory.estate.deployments.items()) if history.deployed]
    found = await asyncio.gather(*map(answered, names))
    return [name for name, known in zip(names, found, strict=True) if known]


async def _is_run(console: Console, wanted: str) -> bool:
    try:
        await research.run(console.door, wanted)
    except DoorError:
        return False
    return True


def _heading(wanted: str, hits: int, predicted: int) -> str:
    if predicted:
        return f"{predicted} deployments have answered the request “{wanted}”"
    return f"{hits} things begin with “{wanted}”" if hits else f"Nothing begins with “{wanted}”"


def _path_of_prediction(name: str, wanted: str) -> str:
    return f"{deployment_path(name, '/prediction')}?{urlencode({'id': wanted})}"


def _predicted(name: str, wanted: str) -> Row:
    return Row(
        f"prediction {name}",
        {
            "what": table.text("prediction"),
            "id": table.link(wanted, _path_of_prediction(name, wanted)),
            "workflow": table.text(name),
            "time": table.text(""),
        },
    )


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
