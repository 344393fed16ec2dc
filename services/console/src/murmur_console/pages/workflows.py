"""All workflows: what serves, what waits, and how the newest chain of each ended."""

from nicegui import ui

from murmur_console.context import Console
from murmur_console.domain.chains import Chain
from murmur_console.domain.estate import Freeze, Status, Version
from murmur_console.domain.facts import Tone
from murmur_console.domain.layout import words_of
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import keep_up, tag, text
from murmur_console.widgets import table
from murmur_console.widgets.table import Cell, Column, Row, Table

_COLUMNS = (
    Column("name", "Workflow"),
    Column("production", "Production"),
    Column("staging", "Staging"),
    Column("began", "Last chain"),
    Column("why", "Began with"),
    Column("state", "Stands at"),
    Column("chains", "Chains", "right"),
    Column("revision", "Revision", "right"),
)


def register(console: Console) -> None:
    @ui.page("/workflows")
    def workflows() -> None:
        with frame(console, "Workflows", room="Workflows"):
            with tag("div", "m-head"):
                text("h1", "Workflows")
            rows = Table("Workflows and their newest chain", _COLUMNS)
            with rows:
                text("p", "No workflow has been applied. Write one and send it:")
                text("pre", "murmur init churn\nmurmur apply churn/", "m-command")

            keep_up(
                lambda: console.memory.revision,
                lambda: rows.show(_row(console, name) for name in sorted(console.memory.estate.workflows)),
            )


def _row(console: Console, name: str) -> Row:
    estate, story = console.memory.estate, console.memory.story
    chains = story.chains(name)
    newest = chains[0] if chains else None
    workflow = estate.workflows[name]
    return Row(
        name,
        {
            "name": table.link(name, f"/workflows/{name}", note=workflow.description),
            "production": _version(estate.holder(name, Status.PRODUCTION)),
            "staging": _version(estate.holder(name, Status.STAGING)),
            "began": table.when(newest.root.time if newest else None),
            "why": table.text(newest.root.label if newest else ""),
            "state": _frozen(estate.frozen(name)) or (state_cell(newest) if newest else table.text("")),
            "chains": table.text(len(chains)),
            "revision": table.text(
                workflow.revision, note=f"schedule {workflow.schedule}" if workflow.schedule else ""
            ),
        },
    )


def _frozen(freezes: list[Freeze]) -> Cell | None:
    if not freezes:
        return None
    by = ", ".join(sorted({freeze.by for freeze in freezes}))
    return table.text(f"frozen: {', '.join(freeze.what for freeze in freezes)}", tone=Tone.CAUTION, note=f"by {by}")


def _version(version: Version | None) -> Cell:
    if version is None:
        return table.text("none")
    auc = version.metrics.get("auc")
    return table.text(f"v{version.number}", note=f"AUC {auc:.3f}" if auc is not None else "")


def state_of(chain: Chain) -> str:
    """What goes on in it, or what was said last."""
    running = chain.open_bars
    return words_of(running[-1]) if running else chain.outcome.label


def state_cell(chain: Chain) -> Cell:
    return table.text(state_of(chain), tone=Tone.PLAIN if chain.open_bars else chain.tone)
