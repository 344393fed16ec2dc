"""Chooses some of many by name, in groups: columns of a table, metrics to be drawn."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nicegui.element import Element
from nicegui.events import GenericEventArguments

Groups = Mapping[str, Mapping[str, str]]


class Chooser(Element, component="chooser.js"):
    """`on_choose(names)` hears each change, in the order in which they were chosen."""

    def __init__(self, label: str, *, on_choose: Callable[[Sequence[str]], Awaitable[None]], most: int = 0) -> None:
        """most: how many may be chosen at once; 0 for any number."""
        super().__init__()
        self._props["label"] = label
        self._props["most"] = most
        self._props["groups"] = []
        self._props["chosen"] = []

        async def choose(event: GenericEventArguments) -> None:
            await on_choose([str(name) for name in event.args])

        self.on("choose", choose)

    def show(self, groups: Groups, chosen: Sequence[str]) -> None:
        """groups: title -> name -> label."""
        fresh = [
            {"title": title, "options": [{"name": name, "label": label} for name, label in options.items()]}
            for title, options in groups.items()
            if options
        ]
        if fresh != self._props["groups"] or list(chosen) != self._props["chosen"]:
            self._props["groups"] = fresh
            self._props["chosen"] = list(chosen)
            self.update()
