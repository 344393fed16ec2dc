"""A prediction tried: a form made of the model's input schema, sent as any client sends it, with the call to copy."""

import uuid
from collections.abc import Mapping
from urllib.parse import urlencode

from nicegui import ui

from murmur_access import Role
from murmur_console.clients import DoorError, Refusal
from murmur_console.context import Console
from murmur_console.domain.asking import NotAsked, Question, curl, example, fields_of, question, text_of
from murmur_console.domain.charts import number_words
from murmur_console.domain.deployments import Release
from murmur_console.pages.deployment.heading import deployment_page, path_of, show_nothing_yet
from murmur_console.pages.parts import tag, text
from murmur_console.predictions import Answer, ask, look_up
from murmur_console.widgets import table
from murmur_console.widgets.row_form import RowForm
from murmur_console.widgets.table import Column, Row, Table

_ANSWER = (
    Column("output", "Output"),
    Column("value", "Value", "right"),
    Column("version", "Version that answered"),
    Column("took", "Took", "right"),
    Column("request", "Request id"),
    Column("look", "Its row"),
)


def register(console: Console) -> None:
    @ui.page("/deployments/{name}/try")
    def trying(name: str, like: str = "") -> None:
        """like: the request id of a prediction whose row is tried again."""
        history = console.memory.estate.deployments.get(name)
        with deployment_page(console, name, tab="/try") as words:
            serving = history.serving if history else None
            if serving is None:
                show_nothing_yet(name)
                return
            words.text = f"v{serving.version} serves"
            _Trial(console, name, serving.release, like).build()


class _Trial:
    """The form is that of the version which served when the page was opened."""

    def __init__(self, console: Console, name: str, release: Release, like: str) -> None:
        self._console = console
        self._name = name
        self._release = release
        self._like = like

    def build(self) -> None:
        if not self._release.inputs:
            text("p", f"v{self._release.version} was registered without its inputs: no form can be made of them.")
            return
        text(
            "p",
            "The row goes through the front door as every client's does, and is logged and measured as theirs are."
            " An empty field is a missing value.",
            "m-muted m-hint",
        )
        self._place = tag("div")
        if self._like:
            ui.timer(0, self._fill, once=True)
        else:
            self._show_form(example(self._release.inputs))
        self._result = tag("section", "m-result", aria_label="Answer", aria_live="polite")

    async def _fill(self) -> None:
        """With the features of a prediction that was made before, as far as they are known."""
        start = example(self._release.inputs)
        trouble = ""
        try:
            found = await look_up(self._console.door, self._name, self._like)
            row = found.predictions[0].row
            if row is None:
                trouble = f"The row of {self._like} cannot be had: {found.predictions[0].row_missing}."
            else:
                start |= {name: text_of(value) for name, value in row.features.items() if name in start}
        except (DoorError, IndexError) as error:
            trouble = f"The row of {self._like} cannot be had: {error}"
        with self._place:
            self._show_form(start)
            if trouble:
                text("p", trouble, "m-trouble", role="alert")

    def _show_form(self, start: Mapping[str, str]) -> None:
        with self._place:
            self._form = RowForm(
                self._release.inputs,
                start=start,
                example=example(self._release.inputs),
                on_ask=self._ask,
                refusal=self._console.sessions.lacks(Role.VIEWER) or "",
            )

    async def _ask(self, typed: Mapping[str, str]) -> None:
        columns = self._release.inputs
        try:
            asked = question(columns, typed, str(uuid.uuid4()))
        except NotAsked as error:
            self._form.complain("", error.fields)
            return
        try:
            answer = await ask(self._console.door, self._name, asked)
        except Refusal as refusal:
            named = fields_of(str(refusal), columns)
            words = f"Refused: see {', '.join(named)}" if named else f"Refused: {refusal}"
            self._form.complain(words, dict.fromkeys(named, str(refusal)))
            self._show(asked, None)
        except DoorError as error:
            self._form.complain(f"Not answered: {error}", {})
        else:
            self._form.done()
            self._show(asked, answer)

    def _show(self, asked: Question, answer: Answer | None) -> None:
        self._result.clear()
        with self._result:
            if answer is not None:
                text("h2", "Answer")
                rows = Table("What was answered, by which version", _ANSWER)
                rows.show(self._row(name, values, answer) for name, values in answer.outputs.items())
            text("h3", "The same call in a terminal")
            token = self._console.sessions.needed
            text("pre", curl(self._console.door.address, self._name, asked, token=token), "m-payload", tabindex="0")

    def _row(self, name: str, values: list[float], answer: Answer) -> Row:
        where = f"{path_of(self._name, '/prediction')}?{urlencode({'id': answer.request_id})}"
        return Row(
            name,
            {
                "output": table.text(name),
                "value": table.text(", ".join(repr(value) for value in values), note=self._flagged(values, answer)),
                "version": table.text(f"v{answer.version}" if answer.version else "not told"),
                "took": table.text(f"{number_words(answer.milliseconds)} ms", note="from the console and back"),
                "request": table.ident(answer.request_id),
                "look": table.link("Look it up", where, note="in a few seconds"),
            },
        )

    def _flagged(self, values: list[float], answer: Answer) -> str:
        """Of the version that answered, which may be the canary."""
        history = self._console.memory.estate.deployments[self._name]
        release = history.release_of(int(answer.version)) if answer.version.isdigit() else None
        if release is None or release.threshold is None or len(values) != 1:
            return ""
        sign = "flagged" if values[0] >= release.threshold else "not flagged"
        return f"{sign}: the threshold is {number_words(release.threshold)}"
