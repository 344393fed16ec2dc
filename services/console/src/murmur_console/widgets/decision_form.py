"""A person's decision with a name and a reason, and what it is about: choices to make, a text to correct."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nicegui.element import Element
from nicegui.events import GenericEventArguments


@dataclass(frozen=True)
class Action:
    """One way to decide; `reason`: it wants one."""

    name: str
    label: str
    reason: bool = True
    primary: bool = False


@dataclass(frozen=True)
class Decided:
    """What was pressed, by whom and why; `content` is the text as it was left, `chosen` the choices by name."""

    action: str
    by: str
    reason: str
    content: str
    chosen: Mapping[str, str]


class DecisionForm(Element, component="decision_form.js"):
    """`on_decide` hears each press that has all it wants; it raises nothing, see `refused_because` and `done`."""

    def __init__(
        self,
        subject: str,
        actions: Iterable[Action],
        *,
        on_decide: Callable[[Decided], Awaitable[None]],
        choices: Mapping[str, tuple[str, Mapping[str, str]]] | None = None,
        content: str | None = None,
        content_label: str = "",
        hint: str = "",
        signer: str = "",
        refusal: str | None = None,
    ) -> None:
        """choices: name -> (label, value -> words). signer: who is signed in, else a name is asked for.
        refusal: why the one who looks may not decide."""
        super().__init__()
        self._props["subject"] = subject
        self._props["actions"] = [vars(action) for action in actions]
        self._props["choices"] = [
            {"name": name, "label": label, "options": [{"value": v, "label": words} for v, words in options.items()]}
            for name, (label, options) in (choices or {}).items()
        ]
        self._props["content"] = content
        self._props["content-label"] = content_label
        self._props["hint"] = hint
        self._props["signer"] = signer
        self._props["refusal"] = refusal or ""

        async def decide(event: GenericEventArguments) -> None:
            told: dict[str, Any] = event.args
            self._tell(busy=True, trouble="")
            await on_decide(
                Decided(told["action"], told["by"], told["reason"], told["content"] or "", told["chosen"] or {})
            )

        self.on("decide", decide)

    def done(self) -> None:
        self._tell(busy=False, trouble="")

    def refused_because(self, trouble: str) -> None:
        """It was not accepted: say why, and let it be tried again."""
        self._tell(busy=False, trouble=trouble)

    def _tell(self, *, busy: bool, trouble: str) -> None:
        self._props["busy"] = busy
        self._props["trouble"] = trouble
        self.update()
