"""What waits for a person in a chain, with the evidence and the two buttons."""

from murmur_access import Role
from murmur_console.clients import Decision, DoorError
from murmur_console.context import Console
from murmur_console.domain.chains import Bar, Chain
from murmur_console.domain.facts import Fact, WorkKind
from murmur_console.pages.models import report_path
from murmur_console.pages.parts import tag, text
from murmur_console.widgets import table
from murmur_console.widgets.review_form import ReviewForm
from murmur_console.widgets.table import Column, Row, Table

_EVIDENCE = (
    Column("metric", "Metric"),
    Column("candidate", "Candidate", "right"),
    Column("baseline", "Baseline", "right"),
    Column("difference", "Difference", "right"),
)
_SHOWN_METRICS = 6


class ReviewPanel:
    """Rebuilt only when another review is open: live events never disturb what somebody is typing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._place = tag("section", "m-waiting-panel", aria_label="Waiting for a review")
        self._place.set_visibility(False)
        self._shown: str | None = None

    def show(self, chain: Chain) -> None:
        bar = next((bar for bar in chain.open_bars if bar.work.kind is WorkKind.REVIEW), None)
        request = bar.opened.id if bar else None
        if request == self._shown:
            return
        self._shown = request
        self._place.clear()
        self._place.set_visibility(bar is not None)
        if bar is not None:
            with self._place:
                self._build(chain, bar)

    def _build(self, chain: Chain, bar: Bar) -> None:
        request = bar.opened
        subject = f"{request.model} v{request.version}"
        text("h2", f"{subject} waits for a review")
        text("p", str(request.payload.get("summary", "")))
        verdict = _verdict(chain, request)
        if verdict is not None:
            _show_evidence(verdict)
        report = report_path(str(request.model), request.version or 0)
        form: ReviewForm

        async def decide(decision: str, by: str, reason: str) -> None:
            if not by.strip() or not reason.strip():
                form.refused_because("A name and a reason are required.")
                return
            form.sending()
            try:
                await self._console.door.decide(
                    Decision(request.id, str(request.model), request.version or 0, decision, by.strip(), reason.strip())
                )
            except DoorError as error:
                form.refused_because(f"Not {decision}: {error}")

        form = ReviewForm(
            subject,
            report=report,
            on_decide=decide,
            signer=self._console.sessions.signer(),
            refusal=self._console.sessions.lacks(Role.APPROVER) or "",
        )


def _verdict(chain: Chain, request: Fact) -> Fact | None:
    """The newest judgement of the version that the request is about."""
    return next(
        (
            fact
            for fact in reversed(chain.facts)
            if fact.topic == "validation.completed" and (fact.model, fact.version) == (request.model, request.version)
        ),
        None,
    )


def _show_evidence(verdict: Fact) -> None:
    candidate, baseline = _numbers(verdict, "candidate_metrics"), _numbers(verdict, "baseline_metrics")
    differences = verdict.payload.get("differences")
    intervals = differences if isinstance(differences, dict) else {}
    evidence = Table("Candidate and baseline on the same holdout", _EVIDENCE)
    evidence.classes("m-evidence")
    evidence.show(
        Row(
            metric,
            {
                "metric": table.text(metric),
                "candidate": table.text(f"{value:.3f}"),
                "baseline": table.text(f"{baseline[metric]:.3f}" if metric in baseline else "none"),
                "difference": _difference(intervals.get(metric)),
            },
        )
        for metric, value in list(candidate.items())[:_SHOWN_METRICS]
    )
    checks = verdict.payload.get("checks")
    failed = [check for check in checks if not check["passed"]] if isinstance(checks, list) else []
    for check in failed:
        text("p", f"{check['name']} failed: {check['detail']}", "m-caution")


def _numbers(fact: Fact, name: str) -> dict[str, float]:
    found = fact.payload.get(name)
    return found if isinstance(found, dict) else {}


def _difference(interval: object) -> table.Cell:
    if not isinstance(interval, dict):
        return table.text("")
    return table.text(f"{interval['value']:+.3f}", note=f"{interval['low']:+.3f} to {interval['high']:+.3f}")
