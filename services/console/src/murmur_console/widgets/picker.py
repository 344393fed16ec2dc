"""Chooses one of several things that happened."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from nicegui.element import Element
from nicegui.events import GenericEventArguments


@dataclass(frozen=True)
class Option:
    """When it happened and what it was."""

    id: str
    time: datetime
    text: str


class Picker(Element, component="picker.js"):
    """`on_pick(id)` hears the choice."""

    def __init__(self, label: str, *, on_pick: Callable[[str], object]) -> None:
        super().__init__()
        self._props["label"] = label
        self._props["options"] = []

        def pick(event: GenericEventArguments) -> object:
            return on_pick(event.args)

        self.on("pick", pick)

    def show(self, options: Iterable[Option], *, selected: str) -> None:
        fresh = [{"id": option.id, "time": option.time.isoformat(), "text": option.text} for option in options]
        if fresh != self._props["options"] or selected != self._props.get("value"):
            self._props["options"] = fresh
            self._props["value"] = selected
            self.update()
