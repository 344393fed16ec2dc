"""The plots for those who look for a few among many: whom they find, and what it costs to look and not to look."""

from collections.abc import Iterator

import numpy as np
from matplotlib.ticker import FuncFormatter

from murmur_training.evaluation import pricing
from murmur_validator.ports import Dossier, Floats, Scores
from murmur_validator.report.drawing import SQUARE, Names, Plot, models_of, thinned
from murmur_validator.report.figures import Ink, legend, new_figure, quiet, to_svg
from murmur_validator.stakes import threshold_of


def precision_recall(scores: Scores, names: Names, budget: float | None) -> Plot:
    figure = new_figure(*SQUARE)
    axes = quiet(figure.add_subplot())
    axes.axhline(scores.labels.mean(), color=Ink.QUIET, linewidth=0.8, linestyle=":")
    for probabilities, name, ink, line in models_of(scores, names):
        recall, precision, share = precision_recall_curve(scores.labels, probabilities)
        kept = thinned(recall.size)
        axes.step(recall[kept], precision[kept], where="post", color=ink, linestyle=line, linewidth=1.8, label=name)
        if budget is not None:
            at = (np.interp(budget, share, recall), np.interp(budget, share, precision))
            axes.plot(*at, color=ink, marker="o", markersize=7, linestyle="")
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.01), aspect="equal")
    legend(axes, loc="lower left")
    marked = "" if budget is None else f" The dots: the {budget:.2%} of rows that people can look at."
    return Plot(
        "Precision and recall",
        "How many of those flagged are positive, for how many of the positives that are found. The dotted line is a"
        f" random choice.{marked}",
        to_svg(figure, name="precision", title="Precision-recall curves of candidate and baseline"),
    )


def precision_recall_curve(labels: Floats, probabilities: Floats) -> tuple[Floats, Floats, Floats]:
    """Recall, precision and share of rows flagged at every threshold, from the highest down; ties are one step."""
    order = np.argsort(-probabilities, kind="stable")
    last_of_score = np.flatnonzero(np.append(np.diff(probabilities[order]) < 0, True))
    found, flagged = np.cumsum(labels[order])[last_of_score], last_of_score + 1.0
    return found / labels.sum(), found / flagged, flagged / labels.size


def cost_by_threshold(scores: Scores, names: Names, dossier: Dossier) -> Plot:
    figure = new_figure(*SQUARE)
    axes = quiet(figure.add_subplot())
    for (probabilities, name, ink, line), threshold in zip(models_of(scores, names), _thresholds(dossier), strict=True):
        thresholds, costs = _curve(scores, probabilities, dossier)
        kept = thinned(thresholds.size)
        axes.plot(thresholds[kept], costs[kept], color=ink, linestyle=line, linewidth=1.8, label=name)
        axes.plot(threshold, np.interp(threshold, thresholds, costs), color=ink, marker="o", markersize=7)
        axes.axvline(threshold, color=ink, linewidth=0.8, linestyle=":")
    axes.set(xlabel="flagged from this probability on", ylabel="cost of 1,000 rows", xscale="log", xlim=(None, 1))
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost:,.0f}"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda probability, _: f"{probability:g}"))
    legend(axes, loc="best")
    return Plot(
        "Cost by threshold",
        "What wrong answers would have cost on the holdout. The dots: each version's threshold, chosen on training"
        " data, so that it need not lie where its curve is lowest.",
        to_svg(figure, name="cost", title="Cost of 1,000 rows by threshold, of candidate and baseline"),
    )


def _thresholds(dossier: Dossier) -> Iterator[float]:
    """In the order of `models_of`."""
    if dossier.baseline is not None:
        yield threshold_of(dossier.baseline)
    yield threshold_of(dossier.candidate)


def _curve(scores: Scores, probabilities: Floats, dossier: Dossier) -> tuple[Floats, Floats]:
    assert scores.at_stake is not None, "evidence was measured by the rules of its dossier"
    assert dossier.rules.costs is not None
    prices = pricing.Prices(dossier.rules.costs.false_positive, scores.at_stake)
    thresholds, costs = pricing.cost_curve(scores.labels, probabilities, prices)
    return np.maximum(thresholds, 1e-6), costs
