"""The way back: a canary gets no more requests, or the version that served before serves again; with a reason."""

from dataclasses import dataclass

from murmur_access import Role
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.history import History
from murmur_console.pages.parts import tag, text
from murmur_console.serving_now import Look
from murmur_console.widgets.decision_form import Action, Decided, DecisionForm


class GoingBackPanel:
    """Rebuilt only when a roll-back would do something else: live data never disturbs what somebody is typing."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._shown: _Way | None = None
        self._sent = text("p", "", "m-notice", role="status")
        with tag("details", "m-disclosure") as self._box:
            text("summary", "Roll back …", role="button")
            self._place = tag("div")

    def show(self, history: History, look: Look) -> None:
        way = _way_back(history, look)
        if way == self._shown:
            return
        self._shown = way
        self._sent.text = ""
        self._box.set_visibility(way is not None)
        self._place.clear()
        if way is not None:
            with self._place:
                self._build(way)

    def _build(self, way: "_Way") -> None:
        text("p", way.means)
        form: DecisionForm

        async def decide(decided: Decided) -> None:
            try:
                await self._console.door.roll_back(
                    self._name, way.version, since=way.since, by=decided.by, reason=decided.reason
                )
            except DoorError as error:
                form.refused_because(f"Not rolled back: {error}")
                return
            form.done()
            self._sent.text = "The deployer rolls it back; what it does is told here as it happens."

        form = DecisionForm(
            f"Roll {self._name} back",
            (Action("rollback", "Roll back", primary=True),),
            on_decide=decide,
            hint="why; it stands in the history for ever",
            signer=self._console.sessions.signer(),
            refusal=self._console.sessions.lacks(Role.APPROVER),
        )


@dataclass(frozen=True)
class _Way:
    """What a roll-back would do, the version that would go, and a name for its time there."""

    means: str
    version: int
    since: str


def _way_back(history: History, look: Look) -> _Way | None:
    """None where there is nothing to roll back."""
    serving, canary = history.serving, history.canary
    if canary is not None:
        start = canary.start
        words = f"v{start.version} gets no more requests; v{start.against} answers all of them."
        return _Way(words, start.version, f"canary {start.version} {start.at.isoformat()}")
    previous = look.deployment.previous_version if look.deployment else None
    if serving is None or previous is None:
        return None
    words = (
        f"v{previous} is started, proven with known rows, and takes the place of v{serving.version}. The registry then"
        f" moves the alias production back."
    )
    return _Way(words, serving.version, f"version {serving.version} {serving.at.isoformat()}")
