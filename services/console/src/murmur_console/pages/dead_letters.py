"""Dead letters of all services: find them, see what is wrong, correct, hand in again, or let go of them."""

from urllib.parse import urlencode

from nicegui import ui

from murmur_access import Role
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.domain.facts import Tone
from murmur_console.pages.frame import frame
from murmur_console.pages.letter import LetterPanel
from murmur_console.pages.letter_filter import LetterFilter, show_filter
from murmur_console.pages.parts import behind, keep_up, tag, text
from murmur_console.widgets import table
from murmur_console.widgets.decision_form import Action, Decided, DecisionForm
from murmur_console.widgets.table import Column, Row, Table
from murmur_kernel.dead_letters_api import DeadLetterView

_COLUMNS = (
    Column("at", "When"),
    Column("service", "Service"),
    Column("topic", "Event"),
    Column("key", "Key"),
    Column("error", "Error"),
    Column("reason", "Why"),
)


def register(console: Console) -> None:
    @ui.page("/dead-letters")
    def dead_letters(service: str = "", topic: str = "", error: str = "", cursor: str = "", letter: str = "") -> None:
        _Letters(console, LetterFilter(service, topic, error), cursor, letter).build()


class _Letters:
    """One look at the page: which letters are asked for, and which is open."""

    def __init__(self, console: Console, wanted: LetterFilter, cursor: str, letter: str) -> None:
        self._console = console
        self._wanted = wanted
        self._cursor = cursor
        self._selected = letter
        self._found: dict[str, tuple[str, DeadLetterView]] = {}

    def build(self) -> None:
        with frame(self._console, "Dead letters", room="Dead letters"):
            with tag("div", "m-head"):
                text("h1", "Dead letters" + (f" of {self._wanted.service}" if self._wanted.service else ""))
                self._summary = text("p", "", "m-muted")
            show_filter(self._console, self._wanted)
            self._notice = text("p", "", "m-notice", role="status")
            self._table = Table("Events that could not be handled", _COLUMNS, on_pick=self._open)
            with self._table:
                text("p", "No dead letters: every event was handled. What cannot be handled is kept here, untouched.")
            self._older = text("a", "Older", "m-button")
            self._older.set_visibility(False)
            self._panel = LetterPanel(self._console, self._tell, self._look)
            with tag("details", "m-redrive-all"):
                text("summary", "Hand in all that are shown here, and their like, again")
                self._all = DecisionForm(
                    "Redrive all",
                    (Action("redrive", "Redrive all", reason=False, primary=True),),
                    on_decide=self._redrive_all,
                    hint="what was mended",
                    signer=self._console.sessions.signer(),
                    refusal=self._console.sessions.lacks(Role.OPERATOR),
                )
            keep_up(lambda: self._counts(), lambda: self._soon())

    def _counts(self) -> object:
        return [(one.service, dict(one.counts), one.trouble is None) for one in self._console.roster.standings.values()]

    def _soon(self) -> None:
        behind(self._look())

    async def _look(self) -> None:
        """Ask the services; of one that does not answer, what it said last is shown."""
        fresh: dict[str, tuple[str, DeadLetterView]] = {}
        further: str | None = None
        for standing in self._console.roster.standings.values():
            if self._wanted.service not in ("", standing.service):
                continue
            letters = standing.letters
            if standing.trouble is None and (standing.counts or self._wanted.service):
                try:
                    query = self._wanted.query | ({"cursor": self._cursor} if self._cursor else {})
                    page = await self._console.door.dead_letters(standing.service, **query)
                    letters, further = tuple(page.items), page.next
                except DoorError as error:
                    self._tell(f"{standing.service}: {error}", trouble=True)
            fresh |= {one.id: (standing.service, one) for one in letters if self._wanted.fits(one)}
        self._found = fresh
        self._show(further)

    def _show(self, further: str | None) -> None:
        newest = sorted(self._found.values(), key=lambda one: one[1].at, reverse=True)
        self._table.show((_row(service, letter) for service, letter in newest), selected=self._selected)
        counts = [standing.counts for standing in self._console.roster.standings.values()]
        total = sum(sum(count.values()) for count in counts)
        self._summary.text = f"{len(newest)} shown of {total:,}" if total else ""
        self._older.set_visibility(bool(further and self._wanted.service))
        self._older.props["href"] = f"/dead-letters?{urlencode(self._wanted.address | {'cursor': further or ''})}"
        chosen = self._found.get(self._selected)
        self._panel.show(chosen[0] if chosen else None, chosen[1] if chosen else None)

    def _open(self, letter_id: str) -> None:
        self._selected = letter_id
        query = urlencode(self._wanted.address | {"letter": letter_id})
        ui.navigate.history.replace(f"/dead-letters?{query}")
        self._soon()

    async def _redrive_all(self, decided: Decided) -> None:
        services = {service for service, _ in self._found.values()}
        done: dict[str, int] = {}
        try:
            for service in sorted(services):
                done[service] = await self._console.door.redrive_all(
                    service, by=decided.by, reason=decided.reason, **self._wanted.which
                )
        except DoorError as error:
            self._all.refused_because(f"Not all redriven: {error}")
            return
        self._all.done()
        words = ", ".join(f"{number} to {service}" for service, number in done.items())
        self._tell(f"Handed in again: {words or 'none'}. What fails again comes back here.")
        await self._console.roster.look()
        await self._look()

    def _tell(self, words: str, trouble: bool = False) -> None:
        self._notice.text = words
        self._notice.classes(replace="m-notice m-trouble" if trouble else "m-notice")


def _row(service: str, letter: DeadLetterView) -> Row:
    reason = letter.reason.splitlines()[0] if letter.reason else letter.error
    return Row(
        letter.id,
        {
            "at": table.when(letter.at),
            "service": table.service(service),
            "topic": table.pick(letter.topic),
            "key": table.text(letter.key),
            "error": table.text(letter.error, note=f"edited, version {letter.version}" if letter.version > 1 else ""),
            "reason": table.text(reason, tone=Tone.TROUBLE),
        },
    )
