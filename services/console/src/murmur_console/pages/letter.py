"""One dead letter, opened: what its schema finds wrong, what was changed, the record, and how to decide about it."""

import json
from collections.abc import Awaitable, Callable

from nicegui.element import Element

from murmur_access import Role
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.pages.details import pretty, show_pairs
from murmur_console.pages.parts import behind, tag, text
from murmur_console.widgets import table
from murmur_console.widgets.decision_form import Action, Decided, DecisionForm
from murmur_console.widgets.table import Column, Row, Table
from murmur_kernel.dead_letters_api import DeadLetterDetail, DeadLetterView

_COMPLAINTS = (Column("path", "Field"), Column("found", "Found"), Column("expected", "Expected"))
_EDITS = (Column("at", "When"), Column("by", "Who"), Column("reason", "Why"))
_ACTIONS = (
    Action("redrive", "Redrive", reason=False, primary=True),
    Action("discard", "Discard"),
)
_EDIT = Action("edit", "Save the payload")


class LetterPanel:
    """Rebuilt only when another letter, or another version of it, is open: nothing disturbs what is being typed."""

    def __init__(self, console: Console, tell: Callable[[str], None], look: Callable[[], Awaitable[None]]) -> None:
        self._console = console
        self._tell = tell
        self._look = look
        self._place = tag("section", "m-detail", aria_label="The chosen dead letter")
        self._shown: tuple[str, int, object] | None = None

    def show(self, service: str | None, letter: DeadLetterView | None) -> None:
        wanted = (letter.id, letter.version, letter.at) if letter else None
        if wanted == self._shown:
            return
        self._shown = wanted
        self._place.clear()
        if service is not None and letter is not None:
            with self._place:
                self._build(service, letter)

    def _build(self, service: str, letter: DeadLetterView) -> None:
        text("h2", f"{letter.topic} {letter.key}")
        text("p", letter.reason, "m-trouble")
        found = tag("div")
        show_pairs(
            {
                "error": letter.error,
                "letter": letter.id,
                "version": letter.version,
                "place": f"{letter.topic}/{letter.partition} at offset {letter.offset}",
                **letter.headers,
            }
        )
        form: DecisionForm

        async def decide(decided: Decided) -> None:
            try:
                words = await self._carry_out(service, letter, decided)
            except (DoorError, ValueError) as error:
                form.refused_because(f"Not done: {error}")
                return
            form.done()
            self._tell(words)
            await self._console.roster.look()
            await self._look()

        if not letter.editable:
            text("h3", "Payload")
            text("pre", pretty(letter.value), "m-payload", tabindex="0")
        form = DecisionForm(
            "Decide about this dead letter",
            (_EDIT, *_ACTIONS) if letter.editable else _ACTIONS,
            on_decide=decide,
            content=pretty(letter.value) if letter.editable else None,
            content_label="Payload (what identifies the event cannot be changed)",
            hint="why it may be changed, or let go" if letter.editable else "why it may be let go",
            signer=self._console.sessions.signer(),
            refusal=self._console.sessions.lacks(Role.OPERATOR),
        )
        behind(self._complaints(service, letter, found))

    async def _complaints(self, service: str, letter: DeadLetterView, place: Element) -> None:
        try:
            detail = await self._console.door.dead_letter(service, letter.id)
        except DoorError:
            return
        with place:
            _show_complaints(detail)

    async def _carry_out(self, service: str, letter: DeadLetterView, decided: Decided) -> str:
        """Raises DoorError, or ValueError for a payload that is no JSON."""
        door, by, reason = self._console.door, decided.by, decided.reason
        match decided.action:
            case "edit":
                await door.edit(service, letter.id, json.loads(decided.content), by=by, reason=reason)
                return "The payload fits its schema now. Redrive it to have it handled."
            case "discard":
                await door.discard(service, letter.id, by=by, reason=reason)
                return f"{letter.topic} {letter.key} was let go of."
            case _:
                await door.redrive(service, letter.id, by=by, reason=reason)
                return f"{service} handles it again; should it fail again, it comes back here."


def _show_complaints(detail: DeadLetterDetail) -> None:
    if detail.complaints:
        rows = Table("What its schema finds wrong", _COMPLAINTS)
        rows.show(
            Row(f"{number}", {name: table.text(value) for name, value in one.model_dump().items()})
            for number, one in enumerate(detail.complaints)
        )
    if detail.edits:
        text("h3", "Edits")
        Table("Who changed what", _EDITS).show(
            Row(f"{number}", {"at": table.when(one.at), "by": table.text(one.by), "reason": table.text(one.reason)})
            for number, one in enumerate(detail.edits)
        )
