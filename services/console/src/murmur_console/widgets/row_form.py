"""One row for a model, a field a column; errors stand beside the field that they name."""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from murmur_console.domain.asking import text_of
from murmur_console.domain.deployments import InputColumn

_KINDS = {"float": "number", "integer": "whole number", "category": "category"}


class RowForm(Element, component="row_form.js"):
    """`on_ask(texts by column)` hears a row as it was typed; it raises nothing, see `complain` and `done`."""

    def __init__(
        self,
        columns: Iterable[InputColumn],
        *,
        start: Mapping[str, str],
        example: Mapping[str, str],
        on_ask: Callable[[Mapping[str, str]], Awaitable[None]],
        refusal: str = "",
    ) -> None:
        """start: what the fields hold at first. refusal: why the one who looks may not ask."""
        super().__init__()
        self._props["columns"] = [
            {
                "name": column.name,
                "kind": _KINDS.get(column.dtype, column.dtype),
                "options": [text_of(value) for value in column.categories],
            }
            for column in columns
        ]
        self._props["start"] = dict(start)
        self._props["example"] = dict(example)
        self._props["refusal"] = refusal

        async def ask(event: GenericEventArguments) -> None:
            self._tell(busy=True, fields={}, trouble="")
            await on_ask(dict(event.args))

        self.on("ask", ask)

    def done(self) -> None:
        self._tell(busy=False, fields={}, trouble="")

    def complain(self, trouble: str, fields: Mapping[str, str]) -> None:
        """It was not answered: why, and beside which fields."""
        self._tell(busy=False, fields=fields, trouble=trouble)

    def _tell(self, *, busy: bool, fields: Mapping[str, str], trouble: str) -> None:
        self._props["busy"] = busy
        self._props["fields"] = dict(fields)
        self._props["trouble"] = trouble
        self.update()
