"""Approve or refuse a version, with a name and a reason."""

from collections.abc import Awaitable, Callable

from nicegui.element import Element
from nicegui.events import GenericEventArguments


class ReviewForm(Element, component="review_form.js"):
    """`on_decide(decision, by, reason)` hears "approved" or "refused"; it raises nothing, see `refused_because`.

    signer: who is signed in, whose name need not be asked for; refusal: why this person may not decide, and who may.
    """

    def __init__(
        self,
        subject: str,
        *,
        report: str,
        on_decide: Callable[[str, str, str], Awaitable[None]],
        signer: str = "",
        refusal: str = "",
    ) -> None:
        super().__init__()
        self._props["subject"] = subject
        self._props["report"] = report
        self._props["signer"] = signer
        self._props["refusal"] = refusal

        async def decide(event: GenericEventArguments) -> None:
            await on_decide(event.args["decision"], event.args["by"], event.args["reason"])

        self.on("decide", decide)

    def sending(self) -> None:
        self._tell(busy=True, trouble="")

    def refused_because(self, trouble: str) -> None:
        """It was not accepted: say why, and let it be tried again."""
        self._tell(busy=False, trouble=trouble)

    def _tell(self, *, busy: bool, trouble: str) -> None:
        self._props["busy"] = busy
        self._props["trouble"] = trouble
        self.update()
