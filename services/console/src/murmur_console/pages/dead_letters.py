"""Dead letters of all services: what could not be handled, why, itself, and the way back to its handler."""

from nicegui import ui

from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.facts import Tone
from murmur_console.pages.details import pretty, show_pairs
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import button, keep_up, tag, text
from murmur_console.roster import Standing
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table
from murmur_kernel.dead_letters_api import DeadLetterView

_COLUMNS = (
    Column("at", "When"),
    Column("service", "Service"),
    Column("topic", "Event"),
    Column("key", "Key"),
    Column("reason", "Why"),
    Column("act", "", "right"),
)


def register(console: Console) -> None:
    @ui.page("/dead-letters")
    def dead_letters(service: str = "", letter: str = "") -> None:
        _Letters(console, service, letter).build()


class _Letters:
    """One look at the page: which service is asked for, which letter is open, which are on their way back."""

    def __init__(self, console: Console, service: str, letter: str) -> None:
        self._console = console
        self._service = service
        self._selected = letter
        self._busy: set[str] = set()

    def build(self) -> None:
        with frame(self._console, "Dead letters", room="Dead letters"):
            with tag("div", "m-head"):
                text("h1", "Dead letters" + (f" of {self._service}" if self._service else ""))
                if self._service:
                    text("a", "Show all services", href="/dead-letters")
            self._notice = text("p", "", "m-notice", role="status")
            self._table = Table("Events that could not be handled", _COLUMNS, on_act=self._redrive, on_pick=self._open)
            with self._table:
                text("p", "No dead letters: every event was handled. What cannot be handled is kept here, untouched.")
            self._detail = tag("section", "m-detail", aria_label="The chosen dead letter")
            keep_up(lambda: self._console.roster.revision, self._refresh)
            self._show_detail()

    def _letters(self) -> list[tuple[Standing, DeadLetterView]]:
        found = [
            (standing, letter)
            for standing in self._console.roster.standings.values()
            if self._service in ("", standing.service)
            for letter in standing.letters
        ]
        return sorted(found, key=lambda one: one[1].at, reverse=True)

    def _refresh(self) -> None:
        self._table.show((self._row(standing, letter) for standing, letter in self._letters()), selected=self._selected)

    def _row(self, standing: Standing, letter: DeadLetterView) -> Row:
        return Row(
            letter.id,
            {
                "at": table.when(letter.at),
                "service": table.service(standing.service),
                "topic": table.pick(letter.topic),
                "key": table.text(letter.key),
                "reason": table.text(
                    letter.reason.splitlines()[0] if letter.reason else letter.error, tone=Tone.TROUBLE
                ),
                "act": table.action("redrive", "Redrive", busy=letter.id in self._busy),
            },
        )

    def _open(self, letter_id: str) -> None:
        self._selected = letter_id
        query = f"?service={self._service}&" if self._service else "?"
        ui.navigate.history.replace(f"/dead-letters{query}letter={letter_id}")
        self._refresh()
        self._show_detail()

    def _show_detail(self) -> None:
        chosen = next((letter for _, letter in self._letters() if letter.id == self._selected), None)
        self._detail.clear()
        if chosen is None:
            return
        with self._detail:
            text("h2", f"{chosen.topic} {chosen.key}")
            text("p", chosen.reason, "m-trouble")
            show_pairs(
                {
                    "error": chosen.error,
                    "letter": chosen.id,
                    "place": f"{chosen.topic}/{chosen.partition} at offset {chosen.offset}",
                    **chosen.headers,
                }
            )
            text("h3", "Payload")
            text("pre", pretty(chosen.value), "m-payload", tabindex="0")
            button("Redrive", lambda: self._redrive(chosen.id, "redrive"), "m-primary")

    async def _redrive(self, letter_id: str, _: str) -> None:
        standing = next((one for one, letter in self._letters() if letter.id == letter_id), None)
        if standing is None:
            return
        self._busy.add(letter_id)
        self._refresh()
        try:
            await self._console.door.redrive(standing.service, letter_id)
        except DoorError as error:
            self._tell(f"Not redriven: {error}", "m-notice m-trouble")
        else:
            self._tell(f"{standing.service} handles it again; should it fail again, it comes back here.", "m-notice")
            await self._console.roster.look()
        finally:
            self._busy.discard(letter_id)
        self._refresh()
        self._show_detail()

    def _tell(self, words: str, classes: str) -> None:
        self._notice.text = words
        self._notice.classes(replace=classes)
