"""The freeze state in the bar: what may not happen by itself, who said so, and the form that changes it."""

from collections.abc import Sequence

from nicegui.element import Element

from murmur_access import Role
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.estate import Freeze
from murmur_console.pages.parts import keep_up, tag, text
from murmur_console.widgets.decision_form import Action, Decided, DecisionForm

_WHAT = {"retraining": "retraining", "promotion": "promotion"}
_ALL = "*"


def show_freezes(console: Console) -> None:
    """A disclosure in the bar: closed it is one word, open it lists the freezes and takes a decision."""
    with tag("details", "m-freezes") as box:
        summary = text("summary", "", role="button")
        with tag("div", "m-freeze-panel"):
            text("h2", "What the flock does by itself")
            lines = tag("ul", "m-freeze-list")
            place = tag("div")

    def refresh() -> None:
        freezes = console.memory.estate.frozen()
        summary.text = frozen_words(freezes)
        box.classes(replace="m-freezes m-is-frozen" if freezes else "m-freezes")
        lines.clear()
        with lines:
            for freeze in freezes:
                text("li", sentence(freeze))
            if not freezes:
                text("li", "Nothing is frozen: it retrains and promotes as its workflows say.", "m-muted")

    keep_up(lambda: console.memory.estate.freezes_revision, refresh)
    keep_up(lambda: tuple(sorted(console.memory.estate.workflows)), lambda: _form(console, place))


def frozen_words(freezes: Sequence[Freeze]) -> str:
    """The state in the bar, short enough for it."""
    if not freezes:
        return "nothing frozen"
    first = freezes[0]
    more = f" and {len(freezes) - 1} more" if len(freezes) > 1 else ""
    return f"frozen: {first.what} of {first.workflow or 'all'}{more}"


def sentence(freeze: Freeze) -> str:
    """Who froze what, when and why."""
    where = freeze.workflow or "all workflows"
    return f"{freeze.what} of {where}: frozen by {freeze.by}, {freeze.at:%F %H:%M} UTC. {freeze.reason}"


def _form(console: Console, place: Element) -> None:
    form: DecisionForm

    async def decide(decided: Decided) -> None:
        what, workflow = decided.chosen["what"], decided.chosen["workflow"]
        try:
            await console.door.change_freeze(
                what,
                None if workflow == _ALL else workflow,
                freeze=decided.action == "freeze",
                by=decided.by,
                reason=decided.reason,
            )
        except DoorError as error:
            form.refused_because(f"Not changed: {error}")
        else:
            form.done()

    workflows = console.memory.estate.workflows
    place.clear()
    with place:
        form = DecisionForm(
            "Freeze or unfreeze",
            (Action("freeze", "Freeze", primary=True), Action("unfreeze", "Unfreeze")),
            on_decide=decide,
            choices={
                "what": ("What", _WHAT),
                "workflow": ("Where", {_ALL: "all workflows"} | {name: name for name in sorted(workflows)}),
            },
            hint="why; it stands in the history for ever",
            signer=console.sessions.signer(),
            refusal=console.sessions.lacks(Role.OPERATOR),
        )
