"""A field for the search language: it completes as one types, and shows a mistake with a caret under its place."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from murmur_search.completion import Completion

Complete = Callable[[str, int], Completion]


class SearchBox(Element, component="search_box.js"):
    """`complete(text, cursor)` is asked at each pause of typing; `on_search(text)` hears what is searched for."""

    def __init__(self, value: str, *, complete: Complete, on_search: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._props["value"] = value
        self._props["offer"] = {"number": 0, "start": 0, "texts": []}
        self._props["mistake"] = None

        def typed(event: GenericEventArguments) -> None:
            said: dict[str, Any] = event.args
            found = complete(str(said["text"]), int(said["cursor"]))
            self._props["offer"] = {"number": said["number"], "start": found.start, "texts": list(found.texts)}
            self.update()

        async def search(event: GenericEventArguments) -> None:
            await on_search(str(event.args))

        self.on("typed", typed)
        self.on("search", search)

    def point_at(self, mistake: Mapping[str, Any] | None) -> None:
        """A refused filter: its `text`, `detail`, `position` and `end`; None where all is well."""
        shown = _pointed(mistake) if mistake else None
        if shown != self._props["mistake"]:
            self._props["mistake"] = shown
            self.update()


_AROUND = 60
"""Characters shown before the place of a mistake: a phone has room for fewer, and scrolls."""


def _pointed(mistake: Mapping[str, Any]) -> dict[str, str]:
    """The line that it is about and carets below."""
    text, position = str(mistake.get("text", "")), int(mistake.get("position", 0))
    end = max(int(mistake.get("end", position + 1)), position + 1)
    first = text.rfind("\n", 0, position) + 1
    line = text[first:].partition("\n")[0]
    start = max(0, position - first - _AROUND)
    shown = line[start : start + 2 * _AROUND]
    place = position - first - start
    carets = "^" * max(1, min(end - position, len(shown) - place))
    return {"words": str(mistake.get("detail", "")), "line": shown, "carets": " " * place + carets}
