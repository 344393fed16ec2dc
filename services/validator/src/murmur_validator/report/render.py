"""Renders a dossier as one HTML file that needs nothing else: no script, no font, no request to anywhere."""

import asyncio
import platform
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from murmur_events.models import VersionState
from murmur_validator.domain.findings import Figure, figures, losses, untested
from murmur_validator.domain.judgement import Costs, Outcome
from murmur_validator.domain.measurements import Estimate, Metric
from murmur_validator.ports import Dossier
from murmur_validator.stakes import threshold_of

SOFTWARE = ("murmur-validator", "murmur-training", "xgboost-cpu", "numpy", "pandas")
MINUS = "\N{MINUS SIGN}"


class HtmlReporter:
    """Draws and renders in a worker thread."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("murmur_validator.report"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "estimate": estimate,
            "difference": difference,
            "when": when,
            "number": number,
            "signed": signed,
        }

    async def render(self, dossier: Dossier) -> bytes:
        return await asyncio.to_thread(self.html, dossier)

    def html(self, dossier: Dossier) -> bytes:
        """UTF-8. Raises nothing for a dossier without evidence: it has no plots and no numbers."""
        measured = dossier.evidence.measurements if dossier.evidence else None
        page = self._templates.get_template("report.html.j2").render(
            dossier=dossier,
            judgement=dossier.judgement,
            headline=_headline(dossier),
            measured=measured,
            metrics=[metric for metric in Metric if measured and metric in measured.candidate],
            figures=[_Shown.of(figure) for figure in figures(measured, dossier.rules)] if measured else [],
            losses=losses(measured) if measured else (),
            untested=untested(measured, dossier.rules) if measured else (),
            plots=_plots(dossier),
            evidence=_evidence(dossier),
            software=[(name, version(name)) for name in SOFTWARE] + [("python", platform.python_version())],
        )
        return page.encode()


@dataclass(frozen=True)
class _Shown:
    """One of the three numbers, with its interval as places between 0 and 100 on a line."""

    title: str
    value: str
    interval: str
    word: str
    worse: bool
    low: float
    at: float
    high: float
    against: float | None

    @classmethod
    def of(cls, figure: Figure) -> "_Shown":
        estimate_ = figure.estimate
        marks = [estimate_.low, estimate_.high] + ([figure.against] if figure.against is not None else [])
        margin = (max(marks) - min(marks)) * 0.12 or 1e-9
        start, width = min(marks) - margin, max(marks) - min(marks) + 2 * margin

        def place(number: float) -> float:
            return round(100 * (number - start) / width, 2)

        text = (difference if figure.is_difference else estimate)(estimate_, figure.metric)
        value, interval = text.split(" ", 1)
        return cls(
            title=f"{figure.metric.label}{', difference' if figure.is_difference else ''}",
            value=value,
            interval=interval,
            word=figure.word,
            worse=figure.worse,
            low=place(estimate_.low),
            at=place(estimate_.value),
            high=place(estimate_.high),
            against=place(figure.against) if figure.against is not None else None,
        )


def number(value: float | None, digits: int = 3) -> str:
    """A number as people read it; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}".replace("-", MINUS)


def estimate(value: Estimate, metric: Metric) -> str:
    """As in `0.771 [0.758, 0.784]`; costs as in `1,204 [1,090, 1,322]`."""
    return _with_interval(value, ",.0f" if metric is Metric.COST else ".3f")


def difference(value: Estimate, metric: Metric) -> str:
    """As in `+0.0120 [+0.0042, +0.0201]`; costs as in `-210 [-262, -158]`."""
    return _with_interval(value, "+,.0f" if metric is Metric.COST else "+.4f")


def _with_interval(value: Estimate, form: str) -> str:
    return f"{value.value:{form}} [{value.low:{form}}, {value.high:{form}}]".replace("-", MINUS)


def when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _headline(dossier: Dossier) -> str:
    baseline = f"v{dossier.baseline.version}" if dossier.baseline else "a baseline"
    match dossier.judgement.outcome:
        case Outcome.BETTER:
            return f"better than {baseline}"
        case Outcome.NOT_BETTER:
            return f"not better than {baseline}"
        case Outcome.FIRST:
            return "good enough to be the first"
        case Outcome.FAILED:
            return "failed" if dossier.evidence else "could not be judged"


def _plots(dossier: Dossier) -> list[tuple[str, str, Markup, bool]]:
    if dossier.evidence is None:
        return []
    from murmur_validator.report.plots import plots  # matplotlib: a second that the service's start need not wait for

    return [
        (plot.title, plot.caption, Markup(plot.svg), plot.wide)  # drawn here; its text is escaped by matplotlib
        for plot in plots(dossier, dossier.evidence)
    ]


def _evidence(dossier: Dossier) -> list[tuple[str, str]]:
    """Names and values of all that one would need to judge again."""
    dataset = dossier.candidate.artifacts.dataset
    rows = [*_version("candidate", dossier.candidate)]
    if dossier.baseline is not None:
        rows += _version("baseline", dossier.baseline)
    rows += [
        ("holdout", f"{dataset.name}, {dataset.holdout_rows:,} rows, as of {dataset.as_of}"),
        ("holdout sha256", dataset.holdout.sha256),
        ("dataset digest", dataset.digest),
    ]
    if dossier.evidence is not None:
        method = (
            f"{dossier.rules.confidence:.0%}, paired percentile bootstrap, {dossier.evidence.resamples:,} resamples;"
            f" rows are taken for independent"
        )
        rows.append(("intervals", method))
    if dossier.rules.costs is not None:
        rows.append(("costs", _costs(dossier.rules.costs)))
        flagged = [state for state in (dossier.candidate, dossier.baseline) if state is not None]
        rows.append(("flagged", ", ".join(f"v{state.version} from {threshold_of(state):.4g} on" for state in flagged)))
    if dossier.rules.alert_budget is not None:
        rows.append(("alert budget", f"{dossier.rules.alert_budget:.2%} of rows"))
    return rows


def _costs(costs: Costs) -> str:
    missed = costs.false_negative if isinstance(costs.false_negative, str) else f"{costs.false_negative:,g}"
    return f"{costs.false_positive:,g} for a row flagged in vain, {missed} for a positive row that is not"


def _version(role: str, state: VersionState) -> list[tuple[str, str]]:
    return [
        (role, f"{state.model} v{state.version}, workflow {state.workflow} revision {state.revision}"),
        (f"{role} run", state.run_id),
        (f"{role} model sha256", state.artifacts.model.sha256),
    ]
