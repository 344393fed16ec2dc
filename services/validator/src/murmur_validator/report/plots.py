"""The plots of the report: each answers one question, and says in words what to look for."""

from collections.abc import Iterable, Iterator

import numpy as np
from matplotlib.ticker import PercentFormatter

from murmur_training.evaluation import calibration_curve
from murmur_validator.domain.judgement import is_better, is_worse
from murmur_validator.domain.measurements import Group, Measurements, Metric
from murmur_validator.ports import Dossier, Evidence, Floats, Scores
from murmur_validator.report.drawing import SQUARE, Names, Plot, models_of, thinned
from murmur_validator.report.figures import Ink, legend, new_figure, quiet, to_svg
from murmur_validator.report.rare import cost_by_threshold, precision_recall

BINS = 40


def plots(dossier: Dossier, evidence: Evidence) -> Iterator[Plot]:
    names = Names.of(dossier)
    yield roc(evidence.scores, names)
    if dossier.rules.rare_positives:
        yield precision_recall(evidence.scores, names, dossier.rules.alert_budget)
    if dossier.rules.costs is not None:
        yield cost_by_threshold(evidence.scores, names, dossier)
    yield calibration(evidence.scores, names)
    yield distributions(evidence.scores, names)
    if evidence.measurements.differences:
        yield differences(evidence.measurements, names, dossier.rules.confidence)
    tested = [group for group in evidence.measurements.groups if group.candidate_auc is not None]
    if tested:
        yield slices(tested, names)


def roc(scores: Scores, names: Names) -> Plot:
    figure = new_figure(*SQUARE)
    axes = quiet(figure.add_subplot())
    axes.plot([0, 1], [0, 1], color=Ink.QUIET, linewidth=0.8, linestyle=":")
    for probabilities, name, ink, line in models_of(scores, names):
        rates = roc_curve(scores.labels, probabilities)
        axes.plot(*rates, color=ink, linestyle=line, linewidth=1.8, label=name)
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    legend(axes, loc="lower right")
    return Plot(
        "ROC curve",
        "How many of the positives are found for how many false alarms. The dotted line is a coin toss.",
        to_svg(figure, name="roc", title="ROC curves of candidate and baseline"),
    )


def roc_curve(labels: Floats, probabilities: Floats) -> tuple[Floats, Floats]:
    """False and true positive rates at every threshold, both ends included; ties are one step."""
    order = np.argsort(-probabilities, kind="stable")
    last_of_score = np.flatnonzero(np.append(np.diff(probabilities[order]) < 0, True))
    true = np.cumsum(labels[order])[last_of_score]
    false = last_of_score + 1 - true
    kept = thinned(last_of_score.size)
    return np.append(0.0, false[kept] / false[-1]), np.append(0.0, true[kept] / true[-1])


def calibration(scores: Scores, names: Names) -> Plot:
    figure = new_figure(*SQUARE)
    axes = quiet(figure.add_subplot())
    top = 0.0
    for probabilities, name, ink, line in models_of(scores, names):
        bins = calibration_curve(scores.labels, probabilities)
        predicted, observed = [each.predicted for each in bins], [each.observed for each in bins]
        top = max(top, *predicted, *observed)
        axes.plot(predicted, observed, color=ink, linestyle=line, linewidth=1.4, marker="o", markersize=4, label=name)
    end = min(1.0, top * 1.08)
    axes.plot([0, end], [0, end], color=Ink.QUIET, linewidth=0.8, linestyle=":")
    axes.set(xlabel="predicted", ylabel="observed", xlim=(0, end), ylim=(0, end), aspect="equal")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    legend(axes, loc="upper left")
    return Plot(
        "Calibration",
        "Whether a promised 20 % comes true for one in five, in ten bins of equal size. On the dotted line it does;"
        " below it the model promises too much.",
        to_svg(figure, name="calibration", title="Calibration curves of candidate and baseline"),
    )


def distributions(scores: Scores, names: Names) -> Plot:
    figure = new_figure(*SQUARE)
    axes = quiet(figure.add_subplot())
    top = max(float(probabilities.max()) for probabilities, *_ in models_of(scores, names))
    edges = np.linspace(0, min(1.0, top * 1.02), BINS + 1)
    for label, ink, word in ((0.0, Ink.NEGATIVE, "label 0"), (1.0, Ink.POSITIVE, "label 1")):
        of_label = scores.labels == label
        heights = np.histogram(scores.candidate[of_label], edges)[0] / of_label.sum()
        axes.stairs(heights, edges, fill=True, color=ink, alpha=0.45, label=f"{names.candidate}, {word}")
        if scores.baseline is not None:
            heights = np.histogram(scores.baseline[of_label], edges)[0] / of_label.sum()
            axes.stairs(heights, edges, color=ink, linestyle="--", label=f"{names.baseline}, {word}")
    axes.set(xlabel="predicted probability", ylabel="share of rows with that label", xlim=(0, edges[-1]))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    legend(axes, loc="upper right")
    return Plot(
        "Score distributions",
        "How far apart the model holds both labels. Filled: the candidate; dashed: the baseline."
        if scores.baseline is not None
        else "How far apart the model holds both labels.",
        to_svg(figure, name="scores", title="Distribution of predicted probabilities for each label"),
    )


def differences(measured: Measurements, names: Names, confidence: float) -> Plot:
    """Each metric on an axis of its own, since their units differ."""
    figure = new_figure(SQUARE[0], max(SQUARE[1], 0.8 * len(measured.differences)))
    compared = [metric for metric in Metric if metric in measured.differences]
    rows = figure.subplots(len(compared), 1)
    for axes, metric in zip(rows, compared, strict=True):
        estimate = measured.differences[metric]
        quiet(axes)
        axes.grid(visible=False, axis="y")
        ink = Ink.BAD if is_worse(metric, estimate) else Ink.CANDIDATE if is_better(metric, estimate) else Ink.QUIET
        axes.axvline(0, color=Ink.TEXT, linewidth=0.9)
        axes.plot([estimate.low, estimate.high], [0, 0], color=ink, linewidth=2.4, solid_capstyle="butt")
        axes.plot([estimate.value], [0], color=ink, marker="o", markersize=6)
        reach = 1.25 * max(abs(estimate.low), abs(estimate.high), 1e-6)
        axes.set(xlim=(-reach, reach), ylim=(-1, 1), yticks=[])
        axes.set_title(
            f"{metric.label} ({'less' if metric.less_is_better else 'more'} is better)",
            fontsize=9,
            loc="left",
            color=Ink.TEXT,
        )
        axes.locator_params(axis="x", nbins=5)
    return Plot(
        "Bootstrap differences",
        f"{names.candidate} minus {names.baseline} on the same resamples: value and {confidence:.0%} interval."
        " An interval that touches the line may be chance.",
        to_svg(figure, name="differences", title="Paired bootstrap differences of every metric"),
    )


def slices(groups: list[Group], names: Names) -> Plot:
    figure = new_figure(9.0, 0.9 + 0.3 * len(groups))
    axes = quiet(figure.add_subplot())
    places = np.arange(len(groups))[::-1]
    ours = _or_nan(group.candidate_auc for group in groups)
    if names.baseline:
        theirs = _or_nan(group.baseline_auc for group in groups)
        inks = [Ink.BAD.value if lost else Ink.CANDIDATE.value for lost in ours < theirs]
        axes.hlines(places, theirs, ours, colors=inks, linewidth=1.6)
        axes.plot(
            theirs,
            places,
            linestyle="",
            marker="|",
            markersize=12,
            markeredgewidth=2,
            color=Ink.BASELINE,
            label=f"{names.baseline} (baseline)",
        )
    axes.plot(
        ours,
        places,
        linestyle="",
        marker="o",
        markersize=6,
        color=Ink.CANDIDATE,
        label=f"{names.candidate} (candidate)",
    )
    axes.set(xlabel="AUC within the group", ylim=(-0.7, len(groups) - 0.3))
    axes.set_yticks(places, [f"{group.name} ({group.rows:,})" for group in groups], parse_math=False)
    legend(axes, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return Plot(
        "Slices",
        "Each group of people judged by itself, with its number of rows. A line that leads to the left from the"
        " baseline is a loss.",
        to_svg(figure, name="slices", title="AUC of candidate and baseline within each group"),
        wide=True,
    )


def _or_nan(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
