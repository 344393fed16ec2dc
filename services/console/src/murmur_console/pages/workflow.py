"""One workflow as a live timeline: a chain, its story in words, the chosen event, and what waits for a person."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from nicegui import ui

from murmur_console.context import Console
from murmur_console.domain.axis import USUAL_ZOOM, ZOOMS
from murmur_console.domain.chains import Chain
from murmur_console.domain.estate import Status
from murmur_console.domain.facts import Fact
from murmur_console.domain.layout import draw
from murmur_console.pages.details import show_fact
from murmur_console.pages.frame import frame
from murmur_console.pages.legend import show_legend
from murmur_console.pages.parts import button, keep_up, tag, text
from murmur_console.pages.review import ReviewPanel
from murmur_console.pages.workflows import state_of
from murmur_console.widgets import table
from murmur_console.widgets.picker import Option, Picker
from murmur_console.widgets.table import Column, Row, Table
from murmur_console.widgets.timeline import Timeline

_STORY = (
    Column("time", "Time"),
    Column("service", "Service"),
    Column("topic", "Event"),
    Column("what", "What it says"),
)
_DEEPEST_INDENT = 6
_SHOW_DETAIL_WHERE_IT_IS_BELOW = """
if (matchMedia("(max-width: 1100px)").matches)
  document.querySelector(".m-side .m-detail").scrollIntoView({ block: "start", behavior: "smooth" });
"""


def register(console: Console) -> None:
    @ui.page("/workflows/{name}")
    def workflow(name: str, chain: str = "", event: str = "", zoom: int = USUAL_ZOOM) -> None:
        _WorkflowPage(console, name, chain, event, zoom).build()


class _WorkflowPage:
    """One look at a workflow: which chain, which event of it, how near. All three stand in the address."""

    def __init__(self, console: Console, name: str, chain: str, event: str, zoom: int) -> None:
        self._console = console
        self._name = name
        self._chain_id = chain
        self._event = event or None
        self._zoom = min(max(zoom, 0), len(ZOOMS) - 1)
        self._detail_of: tuple[str | None, int] | None = None

    def build(self) -> None:
        with frame(self._console, self._name, room="Workflows"):
            with tag("div", "m-head"):
                text("h1", self._name)
                self._summary = text("p", "", "m-muted")
            self._empty = tag("div", "m-empty")
            with self._empty:
                text("p", f"No event of {self._name} is known yet. Begin a chain:")
                text("pre", f"murmur trigger {self._name}", "m-command")
            self._body = tag("div", "m-split")
            with self._body:
                with tag("div", "m-tools"):
                    self._picker = Picker("Chain", on_pick=self._pick_chain)
                    with tag("div", "m-zoom", role="group", aria_label="Zoom"):
                        button("−", lambda: self._zoom_by(-1), aria_label="Show a longer time")
                        button("+", lambda: self._zoom_by(1), aria_label="Show a shorter time")
                with tag("div", "m-picture"):
                    self._timeline = Timeline("Timeline of the chain", on_pick=self._pick, on_zoom=self._zoom_by)
                    show_legend()
                with tag("aside", "m-side", aria_label="Review and chosen event"):
                    self._review = ReviewPanel(self._console)
                    self._detail = tag("section", "m-detail", aria_live="polite")
                with tag("div", "m-story"):
                    self._story = Table("The chain, event by event", _STORY, on_pick=self._pick).classes("m-lines")
            keep_up(self._revision, self._refresh)

    @property
    def _chain(self) -> Chain | None:
        """The one asked for; else the newest, which then stays: a newer one does not take its place unasked."""
        story = self._console.memory.story
        if not self._chain_id:
            newest = story.chains(self._name)
            self._chain_id = newest[0].correlation_id if newest else ""
        return story.chain(self._chain_id)

    def _revision(self) -> object:
        chain = self._chain
        growing = int(datetime.now(UTC).timestamp()) if chain and chain.open_bars else 0
        return self._console.memory.revision, self._console.roster.revision if not chain else 0, growing

    def _refresh(self) -> None:
        chain = self._chain
        self._empty.set_visibility(chain is None)
        self._body.set_visibility(chain is not None)
        self._summary.text = self._standing()
        if chain is None:
            return
        chains = self._console.memory.story.chains(self._name)
        if chain not in chains:
            chains.append(chain)
        self._picker.show((_option(one) for one in chains), selected=chain.correlation_id)
        progress = {
            run: known.done for run, known in self._console.memory.story.progress.items() if known.done is not None
        }
        scene = draw(chain, now=datetime.now(UTC), zoom=self._zoom, progress=progress)
        self._timeline.show(scene, selected=self._event)
        depths = chain.depths()
        self._story.show((_line(fact, depths[fact.id]) for fact in chain.facts), selected=self._event)
        self._review.show(chain)
        self._show_detail(chain)

    def _show_detail(self, chain: Chain) -> None:
        fact = chain.get(self._event) if self._event else None
        wanted = (fact.id, len(chain.effects_of(fact.id))) if fact else (None, 0)
        if wanted == self._detail_of:
            return
        self._detail_of = wanted
        self._detail.clear()
        with self._detail:
            if fact is None:
                text("p", "Choose a mark or a line to open its event: payload, headers, cause and effects.", "m-muted")
            else:
                show_fact(chain, fact, on_pick=self._pick)

    def _standing(self) -> str:
        estate = self._console.memory.estate
        parts = [
            f"{status} v{version.number}"
            for status in (Status.PRODUCTION, Status.STAGING)
            if (version := estate.holder(self._name, status))
        ]
        workflow = estate.workflows.get(self._name)
        if workflow:
            parts += [f"revision {workflow.revision}"]
            parts += [f"schedule {workflow.schedule} (UTC)"] if workflow.schedule else []
        parts += [f"{freeze.what} frozen by {freeze.by}: {freeze.reason}" for freeze in estate.frozen(self._name)]
        return " · ".join(parts)

    def _pick_chain(self, chain_id: str) -> None:
        self._chain_id, self._event = chain_id, None
        self._move()

    def _pick(self, event_id: str) -> None:
        self._event = event_id
        self._move()
        ui.run_javascript(_SHOW_DETAIL_WHERE_IT_IS_BELOW)

    def _zoom_by(self, step: int) -> None:
        self._zoom = min(max(self._zoom + step, 0), len(ZOOMS) - 1)
        self._move()

    def _move(self) -> None:
        """The address follows what is looked at."""
        query = {"chain": self._chain_id}
        query |= {"event": self._event} if self._event else {}
        query |= {"zoom": str(self._zoom)} if self._zoom != USUAL_ZOOM else {}
        ui.navigate.history.replace(f"/workflows/{self._name}?{urlencode(query)}")
        self._refresh()


def _option(chain: Chain) -> Option:
    return Option(chain.correlation_id, chain.root.time, f"{chain.root.label}: {state_of(chain)}")


def _line(fact: Fact, depth: int) -> Row:
    return Row(
        fact.id,
        {
            "time": table.clock(fact.time),
            "service": table.service(fact.service),
            "topic": table.pick(fact.topic, indent=min(depth, _DEEPEST_INDENT)),
            "what": table.text(fact.headline, tone=fact.tone),
        },
    )
