"""The page of one run. While it is under way it looks again every two seconds; then it stands still."""

from datetime import UTC, datetime

from nicegui import ui

from murmur_console import research
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.words import duration
from murmur_console.pages.experiments import path_of as experiment_path
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import tag, text
from murmur_console.pages.run.actions import ActionsPanel
from murmur_console.pages.run.artifacts import ArtifactsPanel
from murmur_console.pages.run.curves import CurvesPanel
from murmur_console.pages.run.facts import show_facts
from murmur_console.pages.run.verdict import show_verdict
from murmur_console.pages.run_rows import run_path
from murmur_console.research import RunDetail

_LOOK_SECONDS = 2.0


def register(console: Console) -> None:
    @ui.page("/runs/{run_id}")
    def run(run_id: str, artifact: str = "") -> None:
        _Page(console, run_id, artifact).build()


class _Page:
    """What is typed or opened stays while the numbers change."""

    def __init__(self, console: Console, run_id: str, artifact: str) -> None:
        self._console = console
        self._run_id = run_id
        self._artifact = artifact
        self._shown: RunDetail | None = None
        self._seen: datetime | None = None

    def build(self) -> None:
        with frame(self._console, f"Run {self._run_id}", room="Experiments"):
            with tag("div", "m-head"):
                self._title = text("h1", f"Run {self._run_id}")
                self._words = text("p", "", "m-muted")
            self._notice = text("p", "Looking …", "m-notice", role="status")
            self._failure = text("p", "", "m-notice m-trouble")
            self._ways = tag("nav", "m-tabs", aria_label="From this run")
            self._body = tag("div")
            with self._body:
                self._actions = ActionsPanel(self._console, self._run_id)
                self._verdict = tag("div")
                self._curves = CurvesPanel(self._console)
                self._facts = tag("div", "m-columns m-section")
                self._artifacts = ArtifactsPanel(self._console, self._run_id, self._opened)
            self._body.set_visibility(False)
        ui.timer(0, self._begin, once=True)
        self._timer = ui.timer(_LOOK_SECONDS, self._look, immediate=False)

    async def _begin(self) -> None:
        await self._look()
        if self._shown is not None:
            await self._artifacts.begin(self._shown.workspace, self._artifact)

    async def _look(self) -> None:
        try:
            found = await research.run(self._console.door, self._run_id)
            self._show(found)
            await self._curves.look(found)
        except DoorError as error:
            age = f"; this is what was known {_age(self._seen)} ago" if self._seen else ""
            self._tell(f"{error}{age}")
            return
        self._tell("")
        self._seen = datetime.now(UTC)
        if found.status != "running":
            self._timer.deactivate()

    def _show(self, found: RunDetail) -> None:
        if found == self._shown:
            return
        before, self._shown = self._shown, found
        self._title.text = found.name or found.run_id
        ui.page_title(f"{self._title.text} · Murmuration")
        self._words.text = _words(found)
        self._failure.text = (
            f"{found.failure.cause.replace('_', ' ')}: {found.failure.message}" if found.failure else ""
        )
        self._body.set_visibility(True)
        self._actions.show(found)
        if before is None:
            self._show_ways(found)
        if found.reproduction is not None and (before is None or before.reproduction is None):
            with self._verdict:
                show_verdict(found.reproduction)
        if before is None or _without_progress(before) != _without_progress(found):
            self._facts.clear()
            with self._facts:
                show_facts(found)

    def _show_ways(self, found: RunDetail) -> None:
        experiment = experiment_path(found.experiment.rpartition(":")[2], _workspace(found))
        with self._ways:
            text("a", "Its experiment", href=experiment)
            joint = "&" if "?" in experiment else "?"
            text("a", "Compare with others", href=f"{experiment}{joint}run={found.run_id}")
            if found.workflow:
                text("a", f"Workflow {found.workflow}", href=f"/find?q={found.run_id}")
            for version in self._console.memory.estate.versions.values():
                if version.run == found.run_id:
                    text(
                        "a",
                        f"Model {version.model} v{version.number}",
                        href=f"/find?q={version.model} {version.number}",
                    )

    def _opened(self, path: str) -> None:
        """What is open stands in the address."""
        ui.navigate.history.replace(f"{run_path(self._run_id)}?artifact={path}" if path else run_path(self._run_id))

    def _tell(self, words: str) -> None:
        if self._notice.text != words:
            self._notice.text = words
            self._notice.classes(replace="m-notice m-trouble" if words else "m-notice")


def _workspace(found: RunDetail) -> str:
    return "" if found.workspace == "default" else found.workspace


def _without_progress(found: RunDetail) -> RunDetail:
    return found.model_copy(update={"progress": None, "metrics": {}})


def _age(since: datetime) -> str:
    return duration(float(int((datetime.now(UTC) - since).total_seconds())))


def _words(found: RunDetail) -> str:
    said = [found.status + (" (in the bin)" if found.deleted else "")]
    if found.progress is not None and found.status == "running":
        said.append(f"{found.progress:.0%}")
    if found.user:
        said.append(f"by {found.user}")
    said.append(f"began {found.started_at.astimezone():%Y-%m-%d %H:%M:%S}")
    if found.duration_seconds is not None:
        said.append(f"took {duration(found.duration_seconds)}")
    return " · ".join(said)
