"""All model versions: where each is in its life and what was last said about it."""

from nicegui import ui

from murmur_console.context import Console
from murmur_console.domain.estate import Status, Version
from murmur_console.domain.facts import Tone
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import keep_up, tag, text
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table

_COLUMNS = (
    Column("version", "Version"),
    Column("status", "Status"),
    Column("auc", "AUC", "right"),
    Column("why", "Last word"),
    Column("report", "Report"),
    Column("registered", "Registered"),
    Column("run", "Run"),
)


def register(console: Console) -> None:
    @ui.page("/models")
    def models() -> None:
        with frame(console, "Models", room="Models"):
            with tag("div", "m-head"):
                text("h1", "Models")
            rows = Table("Model versions, newest first", _COLUMNS)
            with rows:
                text("p", "No model has been registered. Train one:")
                text("pre", "murmur trigger credit", "m-command")

            def refresh() -> None:
                versions = console.memory.estate.versions.values()
                rows.show(_row(one) for one in sorted(versions, key=lambda one: one.registered, reverse=True))

            keep_up(lambda: console.memory.revision, refresh)


def _row(version: Version) -> Row:
    auc = version.metrics.get("auc")
    judged = version.why or version.status is not Status.CANDIDATE
    return Row(
        f"{version.model}/{version.number}",
        {
            "version": table.link(
                f"{version.model} v{version.number}", f"/workflows/{version.workflow}?chain={version.chain}"
            ),
            "status": table.text(
                version.status, tone=Tone.CAUTION if version.status is Status.REJECTED else Tone.PLAIN
            ),
            "auc": table.text(f"{auc:.3f}" if auc is not None else ""),
            "why": table.text(version.why),
            "report": table.link("Report", report_path(version.model, version.number), away=True)
            if judged
            else table.text("not yet"),
            "registered": table.when(version.registered),
            "run": table.ident(version.run) if version.run else table.text(""),
        },
    )


def report_path(model: str, version: int) -> str:
    """The validator's report, through the front door that shows this page."""
    return f"/reports/{model}/{version}"
