"""Who serves since when, and what else does: versions side by side, with what they answer right now."""

from murmur_console.context import Console
from murmur_console.domain.charts import number_words
from murmur_console.domain.deployments import CanaryStart, Deployed
from murmur_console.domain.facts import Tone
from murmur_console.domain.history import History
from murmur_console.pages.models import report_path
from murmur_console.pages.parts import text
from murmur_console.serving_now import Look, VersionPace
from murmur_console.widgets import table
from murmur_console.widgets.table import Cell, Column, Row, Table

_COLUMNS = (
    Column("version", "Version"),
    Column("role", "What it does"),
    Column("since", "Since"),
    Column("rate", "Requests/s", "right"),
    Column("errors", "Failed/s", "right"),
    Column("p50", "p50, ms", "right"),
    Column("p99", "p99, ms", "right"),
    Column("replicas", "Replicas", "right"),
    Column("digest", "Digest"),
    Column("run", "Run"),
    Column("report", "Report"),
)


class VersionsPanel:
    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._table = Table(f"Versions of {name}: what each does and answers now", _COLUMNS)
        with self._table:
            text("p", "Nothing serves yet.")

    def show(self, history: History, look: Look) -> None:
        serving, canary = history.serving, history.canary
        rows = [self._row(history, serving, "serves", look)] if serving else []
        if canary is not None:
            role = "gets copies" if canary.share == "copies" else f"canary at {canary.share}"
            rows.append(self._row(history, canary.start, role, look))
        before = _before(history, look)
        rows += [self._row(history, before, "served before", None)] if before else []
        self._table.show(rows)

    def _row(self, history: History, one: Deployed | CanaryStart, role: str, look: Look | None) -> Row:
        pace = look.pace_of_version(one.version) if look else None
        workflow = self._console.memory.estate.versions.get((history.model, one.version))
        chain = f"/workflows/{workflow.workflow if workflow else history.name}?chain={one.chain}"
        return Row(
            str(one.version),
            {
                "version": table.link(f"v{one.version}", chain),
                "role": table.text(role),
                "since": table.when(one.at),
                **pace_cells(pace),
                "replicas": table.text(pace.replicas if pace else ""),
                "digest": table.ident(one.release.sha256),
                "run": table.ident(one.release.run),
                "report": table.link("Report", report_path(history.model, one.version), away=True),
            },
        )


def pace_cells(pace: VersionPace | None) -> dict[str, Cell]:
    """What is answered now; nothing where that is not known."""
    if pace is None or pace.rate is None:
        return {key: table.text("") for key in ("rate", "errors", "p50", "p99")}
    return {
        "rate": table.text(number_words(pace.rate)),
        "errors": failing(pace.errors),
        "p50": number(pace.p50_ms),
        "p99": number(pace.p99_ms),
    }


def failing(errors: float | None) -> Cell:
    return table.text(number_words(errors or 0.0), tone=Tone.TROUBLE if errors else Tone.PLAIN)


def number(value: float | None) -> Cell:
    return table.text(number_words(value) if value is not None else "")


def _before(history: History, look: Look) -> Deployed | None:
    """The version that a roll-back would lead to."""
    serving = history.serving
    guess = serving.replaces if serving else None  # until the deployer has told: so the row does not jump in
    wanted = look.deployment.previous_version if look.deployment else guess
    return next((one for one in reversed(history.deployed) if one.version == wanted), None)
