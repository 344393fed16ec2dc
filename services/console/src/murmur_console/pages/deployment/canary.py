"""A canary under way, step by step, each judgement with its numbers, what is waited for; and how earlier ones ended."""

from datetime import UTC, datetime

from murmur_console.context import Console
from murmur_console.domain.canary_steps import amount, outcome, steps, title
from murmur_console.domain.deployments import Judgement
from murmur_console.domain.facts import Tone
from murmur_console.domain.history import CanaryRun, History
from murmur_console.domain.words import duration
from murmur_console.pages.parts import tag, text
from murmur_console.serving_now import Look
from murmur_console.widgets import table
from murmur_console.widgets.table import Column, Row, Table

_TESTS = (
    Column("aspect", "Aspect"),
    Column("stable", "Stable", "right"),
    Column("canary", "Canary", "right"),
    Column("statistic", "Evidence", "right"),
    Column("threshold", "Certain from", "right"),
    Column("decision", "Decision"),
)
_EARLIER = (
    Column("version", "Version"),
    Column("started", "Started"),
    Column("steps", "Steps passed"),
    Column("outcome", "How it ended"),
)
_STATES = {"passed": "passed", "now": "now", "next": "to come", "stopped": "ended here"}
_VERDICTS = {"advance": "no worse so far", "finish": "passed", "roll_back": "worse: rolled back"}
_DECISIONS = {"worse": "worse", "not_worse": "no worse", "not_tested": "not tested"}


class CanaryPanel:
    """The newest canary; rebuilt when something was told of it. What it waits for is filled in as it changes."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._shown: CanaryRun | None = None
        with tag("section", "m-canary", aria_label="Canary") as self._box:
            self._place = tag("div")
            self._waits = text("p", "", "m-muted m-waits", role="status")
            self._judged = tag("div")
            with tag("details", "m-earlier") as self._earlier:
                text("summary", "Earlier canaries")
                self._table = Table(f"Earlier canaries of {name}, newest first", _EARLIER)

    def show(self, history: History, look: Look) -> None:
        runs = history.canary_runs()
        self._box.set_visibility(bool(runs))
        if not runs:
            return
        if runs[0] != self._shown:
            self._shown = runs[0]
            self._rebuild(runs[0])
        words = self._waiting_for(runs[0], look)
        if self._waits.text != words:
            self._waits.text = words
        self._earlier.set_visibility(len(runs) > 1)
        self._table.show(_earlier(run) for run in runs[1:])

    def _rebuild(self, run: CanaryRun) -> None:
        self._place.clear()
        with self._place:
            text("h2", title(run))
            if run.ended is not None:
                text("p", outcome(run))
            with tag("ol", "m-steps", aria_label="Its steps"):
                for step in steps(run):
                    current = {"aria_current": "step"} if step.state == "now" else {}
                    with tag("li", f"m-step m-step-{step.state}", **current):
                        text("b", step.share)
                        text("span", _STATES[step.state])
        self._judged.clear()
        with self._judged:
            for number, judged in enumerate(reversed(run.judgements)):
                _show_judgement(judged, unfolded=number == 0)

    def _waiting_for(self, run: CanaryRun, look: Look) -> str:
        """Of the step that it is in; the count of its requests is that of living replicas."""
        workflow = self._console.memory.estate.workflows.get(self._name)
        now = look.deployment.canary if look.deployment else None
        if run.ended is not None or workflow is None:
            return ""
        terms = workflow.serving
        lasts = terms.step_seconds if run.start.steps[run.current] else terms.shadow_seconds or terms.step_seconds
        needs = f"{terms.min_rows:,} requests of both versions and {duration(lasts)}"
        late = f"lacking requests for {duration(terms.deadline_seconds)} it becomes an alert, and goes on waiting"
        if now is None or now.version != run.start.version:
            return f"This step needs {needs}; {late}."
        pace = look.pace_of_version(now.version)
        answered = f"about {max(0, pace.requests - now.rows):,} answered" if pace else "not known how many answered"
        age = duration(float(int((datetime.now(UTC) - now.since).total_seconds())))
        return f"This step needs {needs}: {answered} by the canary in {age}; {late}."


def _show_judgement(judged: Judgement, *, unfolded: bool) -> None:
    share = f"at {judged.weight * 100:.3g} %" if judged.weight else "in the shadow"
    with tag("details", "m-judgement", **({"open": True} if unfolded else {})):
        text(
            "summary", f"Step {judged.step} of {judged.steps} {share}: {_VERDICTS.get(judged.verdict, judged.verdict)}"
        )
        text("p", judged.detail, "m-muted")
        caption = (
            f"Step {judged.step}: {judged.rows:,} requests of the canary, {judged.stable_rows:,} of the stable version"
        )
        tests = Table(caption, _TESTS)
        tests.show(
            Row(
                test.aspect,
                {
                    "aspect": table.text(test.aspect),
                    "stable": table.text(amount(test, test.stable)),
                    "canary": table.text(amount(test, test.canary)),
                    "statistic": table.text(f"{test.statistic:.3g}"),
                    "threshold": table.text(f"{test.threshold:.3g}"),
                    "decision": table.text(
                        _DECISIONS.get(test.decision, test.decision),
                        tone=Tone.CAUTION if test.decision == "worse" else Tone.PLAIN,
                        note=test.detail,
                    ),
                },
            )
            for test in judged.tests
        )


def _earlier(run: CanaryRun) -> Row:
    passed = sum(one.verdict in ("advance", "finish") for one in run.judgements)
    return Row(
        f"{run.start.version} {run.start.at.isoformat()}",
        {
            "version": table.text(f"v{run.start.version}"),
            "started": table.when(run.start.at),
            "steps": table.text(f"{passed} of {len(run.start.steps)}"),
            "outcome": table.text(outcome(run) or "another one took its place"),
        },
    )
