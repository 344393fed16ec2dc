"""All experiments of a workspace: how many runs each has, and when its newest began."""

from urllib.parse import quote, urlencode

from nicegui import ui

from murmur_console import research
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import tag, text
from murmur_console.research import Experiment
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table

_COLUMNS = (
    Column("name", "Experiment"),
    Column("runs", "Runs", "right"),
    Column("last", "Newest run"),
    Column("created", "Created"),
    Column("note", "Note"),
)
_NOTE = "mlflow.note.content"
_LOOK_SECONDS = 3.0


def path_of(experiment: str, workspace: str = "") -> str:
    more = f"?{urlencode({'workspace': workspace})}" if workspace else ""
    return f"/experiments/{quote(experiment, safe='')}{more}"


def register(console: Console) -> None:
    @ui.page("/experiments")
    def experiments(q: str = "", workspace: str = "") -> None:
        with frame(console, "Experiments", room="Experiments"):
            with tag("div", "m-head"):
                text("h1", "Experiments")
                summary = text("p", "", "m-muted")
            _form(q, workspace)
            notice = text("p", "Looking …", "m-notice", role="status")
            rows = Table("Experiments, the one with the newest run first", _COLUMNS)
            with rows, tag("div") as none:
                text("p", "No experiment's name holds this." if q else "No experiment has runs yet. Log one:")
                text("pre", f"MLFLOW_TRACKING_URI={console.door.address} python train.py", "m-command")
            none.set_visibility(False)  # until it is known

        async def refresh() -> None:
            try:
                found = await research.experiments(console.door, workspace)
            except DoorError as error:
                notice.text = f"What is shown may be old: {error}"
                notice.classes(replace="m-notice m-trouble")
                return
            notice.text = ""
            notice.classes(replace="m-notice")
            shown = [one for one in found if not one.deleted and q.casefold() in one.name.casefold()]
            summary.text = f"{len(shown):,} experiments, {sum(one.runs for one in shown):,} runs"
            rows.show(_row(one, workspace) for one in shown)
            none.set_visibility(True)

        ui.timer(0, refresh, once=True)
        ui.timer(_LOOK_SECONDS, refresh, immediate=False)


def _form(wanted: str, workspace: str) -> None:
    with tag("form", "m-filters", action="/experiments", method="get", role="search", aria_label="Find experiments"):
        for name, label, value in (("q", "Name", wanted), ("workspace", "Workspace", workspace)):
            with tag("label"):
                text("span", label)
                hint = "default" if name == "workspace" else ""
                tag("input", name=name, value=value, placeholder=hint, autocomplete="off", spellcheck="false")
        text("button", "Find", "m-button", type="submit")


def _row(one: Experiment, workspace: str) -> Row:
    return Row(
        one.id,
        {
            "name": table.link(one.name or one.id, path_of(one.id, workspace)),
            "runs": table.text(f"{one.runs:,}"),
            "last": table.when(one.last_run_at),
            "created": table.when(one.created_at),
            "note": table.text(one.tags.get(_NOTE, "").partition("\n")[0][:120]),
        },
    )
