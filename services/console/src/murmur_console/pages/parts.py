"""Small pieces of pages: plain HTML elements, and how a page keeps up with what happens."""

from collections.abc import Callable, Coroutine
from typing import Any

from nicegui import background_tasks, ui
from nicegui.element import Element
from nicegui.elements.mixins.text_element import TextElement

_LOOK_SECONDS = 0.2
"""How long what happens within is put together into one change of the page."""


def tag(name: str, classes: str = "", /, **attributes: Any) -> Element:
    """An HTML element to be filled with `with`. Underscores of attribute names become hyphens."""
    element = ui.element(name).classes(classes)
    element.props.update({key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    return element


def text(name: str, words: str, classes: str = "", /, **attributes: Any) -> TextElement:
    """An HTML element with a text, which may be changed."""
    element = TextElement(tag=name, text=words)
    element.classes(classes)
    element.props.update({key.rstrip("_").replace("_", "-"): value for key, value in attributes.items()})
    return element


def button(words: str, act: Callable[[], object], classes: str = "", /, **attributes: Any) -> TextElement:
    element = text("button", words, f"m-button {classes}", type="button", **attributes)
    element.on("click", lambda: act(), [])
    return element


def behind(work: Coroutine[object, object, None]) -> None:
    """Do it behind the page's back, and still as the person whose page it is."""
    page = ui.context.client

    async def as_that_person() -> None:
        with page:
            await work

    background_tasks.create(as_that_person())


def keep_up(revision: Callable[[], object], refresh: Callable[[], None]) -> None:
    """Refresh now, and whenever the revision has changed."""
    seen: list[object] = [None]

    def look() -> None:
        current = revision()
        if current != seen[0]:
            seen[0] = current
            refresh()

    look()
    ui.timer(_LOOK_SECONDS, look, immediate=False)
