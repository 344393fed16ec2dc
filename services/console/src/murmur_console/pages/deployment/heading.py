"""What the pages of one deployment have in common: the frame, the heading, the ways between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

from nicegui.elements.mixins.text_element import TextElement

from murmur_console.context import Console
from murmur_console.pages.frame import frame
from murmur_console.pages.parts import tag, text

TABS = (("", "Overview"), ("/try", "Try a prediction"), ("/prediction", "Look a prediction up"))


def path_of(name: str, tab: str = "") -> str:
    return f"/deployments/{quote(name, safe='')}{tab}"


@contextmanager
def deployment_page(console: Console, name: str, *, tab: str) -> Iterator[TextElement]:
    """Gives the words beside the heading, to be filled."""
    with frame(console, name, room="Deployments"):
        with tag("div", "m-head"):
            text("h1", name)
            words = text("p", "", "m-muted")
        with tag("nav", "m-tabs", aria_label=f"Of {name}"):
            for where, label in TABS:
                current = {"aria_current": "page"} if where == tab else {}
                text("a", label, href=path_of(name, where), **current)
        yield words


def show_nothing_yet(name: str) -> None:
    """For a deployment that nobody has told of."""
    with tag("div", "m-empty"):
        text("p", f"Nothing serves as {name}, and nothing ever has. A version that is approved is rolled out at once:")
        text("pre", f"murmur approve {name} 1 --reason …", "m-command")
