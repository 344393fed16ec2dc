"""What may be done with a run: trained again exactly, shown to somebody who may see nothing else."""

import uuid
from urllib.parse import quote

from murmur_access import Role
from murmur_console.clients import DoorError
from murmur_console.context import Console
from murmur_console.pages.parts import tag, text
from murmur_console.pages.run_rows import run_path
from murmur_console.research import RunDetail
from murmur_console.widgets.decision_form import Action, Decided, DecisionForm

_ENVIRONMENTS = {
    "same": "refuse where it differs",
    "present": "take the present one, and say what differs",
    "fresh": "build one of exactly the same versions",
}
_EXPIRIES = {"1d": "after a day", "7d": "after a week", "30d": "after 30 days"}


class ActionsPanel:
    """Built once: what somebody types stays while the run goes on. The trainer's completed runs can be reproduced."""

    def __init__(self, console: Console, run_id: str) -> None:
        self._console = console
        self._workspace = ""
        self._path = f"/v1/runs/{quote(run_id, safe='')}"
        with tag("div", "m-run-actions"):
            with tag("details", "m-disclosure") as self._reproduce:
                text("summary", "Reproduce …", role="button")
                text("p", "It is trained again with the same code, data, parameters and seed, and ends with a verdict.")
                self._again = self._form(
                    "Reproduce this run",
                    Action("reproduce", "Reproduce", reason=False, primary=True),
                    {"environment": ("Environment", _ENVIRONMENTS)},
                )
            with tag("details", "m-disclosure"):
                text("summary", "Share …", role="button")
                text("p", "Whoever has the link sees the run as it is now, and nothing else.")
                self._share = self._form(
                    "Share this run",
                    Action("share", "Make a link", primary=True),
                    {"expires_in": ("The link ends", _EXPIRIES)},
                )
        self._reproduce.set_visibility(False)
        self._done = tag("p", "m-notice", role="status")

    def show(self, run: RunDetail) -> None:
        self._workspace = run.workspace
        self._reproduce.set_visibility(run.workflow is not None and run.status == "completed")

    def _form(self, subject: str, action: Action, choices: dict[str, tuple[str, dict[str, str]]]) -> DecisionForm:
        return DecisionForm(
            subject,
            (action,),
            on_decide=self._decide,
            choices=choices,
            hint="why; it is kept",
            signer=self._console.sessions.signer(),
            refusal=self._console.sessions.lacks(Role.AUTHOR),
        )

    async def _decide(self, decided: Decided) -> None:
        again = decided.action == "reproduce"
        form, service = (self._again, "trainer") if again else (self._share, "tracking")
        path = f"{self._path}/{'reproductions' if again else 'shares'}"
        body = {**decided.chosen, "reason": decided.reason, **({"by": decided.by} if again else {})}
        try:
            key = str(uuid.uuid4())
            answer = await self._console.door.post(service, path, body, key=key, workspace=self._workspace)
        except DoorError as error:
            form.refused_because(f"Not done: {error}")
            return
        form.done()
        self._done.clear()
        with self._done:
            if again:
                text("span", "It is asked for; its verdict will stand on the page of ")
                text("a", str(answer.get("run_id", "the new run")), href=run_path(str(answer.get("run_id", ""))))
            else:
                text("span", "Whoever has this link sees it: ")
                text("a", str(answer.get("link", "")), href=str(answer.get("link", "")))
