"""How one deployment serves: versions side by side, canary, charts, replicas, batches, and the way back."""

from datetime import UTC, datetime

from nicegui import ui

from murmur_console.context import Console
from murmur_console.domain.charts import USUAL_SPAN
from murmur_console.domain.history import History
from murmur_console.domain.words import duration
from murmur_console.pages.deployment.batches import BatchesPanel
from murmur_console.pages.deployment.canary import CanaryPanel
from murmur_console.pages.deployment.going_back import GoingBackPanel
from murmur_console.pages.deployment.heading import deployment_page, show_nothing_yet
from murmur_console.pages.deployment.measured import MeasuredPanel
from murmur_console.pages.deployment.replicas import ReplicasPanel
from murmur_console.pages.deployment.versions import VersionsPanel
from murmur_console.pages.parts import keep_up, tag, text
from murmur_console.serving_now import Look

_LOOK_SECONDS = 2.0


def register(console: Console) -> None:
    @ui.page("/deployments/{name}")
    def deployment(name: str, span: str = USUAL_SPAN) -> None:
        _Overview(console, name, span).build()


class _Overview:
    """One look at a deployment: what Kafka has told of it, and every two seconds what the deployer says of now."""

    def __init__(self, console: Console, name: str, span: str) -> None:
        self._console = console
        self._name = name
        self._span = span
        self._look = Look()

    def build(self) -> None:
        console, name = self._console, self._name
        with deployment_page(console, name, tab="") as self._words:
            self._notice = text("p", "", "m-notice m-trouble", role="status")
            self._nothing = tag("div")
            with self._nothing:
                show_nothing_yet(name)
            self._body = tag("div", "m-body")
            with self._body:
                self._panels = (
                    VersionsPanel(console, name),
                    GoingBackPanel(console, name),
                    CanaryPanel(console, name),
                    MeasuredPanel(console, name, self._span),
                    ReplicasPanel(console, name),
                    BatchesPanel(),
                )
            keep_up(lambda: (console.memory.revision, self._look.revision), self._refresh)
        ui.timer(_LOOK_SECONDS, self._ask)

    async def _ask(self) -> None:
        if self._name in self._console.memory.estate.deployments:
            await self._look.again(self._console.door, self._name)

    def _refresh(self) -> None:
        history = self._console.memory.estate.deployments.get(self._name)
        known = history is not None and bool(history.deployed or history.canaries or history.failed)
        self._nothing.set_visibility(not known)
        self._body.set_visibility(known)
        if history is None or not known:
            return
        words = _standing(history)
        if self._words.text != words:
            self._words.text = words
        self._tell(self._stale())
        for panel in self._panels:
            panel.show(history, self._look)

    def _stale(self) -> str:
        look = self._look
        if not look.trouble:
            return ""
        if look.seen is None:
            return f"What it answers right now cannot be told: {look.trouble}"
        age = duration(float(int((datetime.now(UTC) - look.seen).total_seconds())))
        return f"What it answers right now is {age} old: {look.trouble}"

    def _tell(self, words: str) -> None:
        if self._notice.text != words:
            self._notice.text = words


def _standing(history: History) -> str:
    serving, canary = history.serving, history.canary
    parts = [f"v{serving.version} serves" if serving else "nothing serves"]
    if canary is not None:
        what = "gets copies of all requests" if canary.share == "copies" else f"is a canary at {canary.share}"
        parts.append(f"v{canary.start.version} {what}")
    if history.trouble:
        parts.append(history.trouble)
    return " · ".join(parts)
