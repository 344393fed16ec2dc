"""The timeline of one chain: draws the scene that the domain laid out."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from murmur_console.domain.scene import EMPTY, Scene
from murmur_console.palette import SERVICE_HUES


class Timeline(Element, component="timeline.js"):
    """`on_pick(event id)` hears a chosen mark, `on_zoom(+1 or -1)` a wish to see more or less."""

    def __init__(self, title: str, *, on_pick: Callable[[str], object], on_zoom: Callable[[int], object]) -> None:
        super().__init__()
        self._props["title"] = title
        self._props["hues"] = SERVICE_HUES
        self._props["scene"] = asdict(EMPTY)

        def pick(event: GenericEventArguments) -> object:
            return on_pick(event.args)

        def zoom(event: GenericEventArguments) -> object:
            return on_zoom(event.args)

        self.on("pick", pick)
        self.on("zoom", zoom)

    def show(self, scene: Scene, *, selected: str | None) -> None:
        fresh = asdict(scene, dict_factory=_as_json)
        if fresh != self._props["scene"] or selected != self._props.get("selected"):
            self._props["scene"] = fresh
            self._props["selected"] = selected
            self.update()


def _as_json(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in pairs}
