"""Which runs are the best, by who asked for them and by what they were trained on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from murmur_cli.door import Json

Goal = Literal["minimize", "maximize"]

_LESS = ("rmse", "mae", "mse", "log_loss", "brier", "cost", "error")
_MORE = ("auc", "ks", "average_precision", "accuracy", "precision", "recall", "f1", "r2", "skill")


def goal_of(metric: str) -> Goal | None:
    """Whether less or more of a metric is better, where its name says so, such as `check_rmse`; None elsewhere."""
    for names, goal in ((_LESS, "minimize"), (_MORE, "maximize")):
        if any(metric == name or metric.endswith(f"_{name}") for name in names):
            return "minimize" if goal == "minimize" else "maximize"
    return None


@dataclass(frozen=True)
class Place:
    """The best run of one author in one group. low, high: the interval of its metric, where it has one."""

    group: tuple[object, ...]
    author: str
    value: float
    low: float | None
    high: float | None
    run: Json
    runs: int


def leaderboard(runs: Sequence[Json], metric: str, goal: Goal, by: Sequence[str]) -> list[Place]:
    """The best run of each author and of each combination of the parameters `by`, the best of a group first.

    Runs without the metric, or with one that is no number, are left out. Where two are equally good the older stays.
    """
    sign = 1 if goal == "minimize" else -1
    found: dict[tuple[tuple[object, ...], str], Place] = {}
    for run in sorted(runs, key=lambda run: str(run["started_at"])):
        value = run["metrics"].get(metric)
        if value is None or not math.isfinite(value):
            continue
        parameters = run.get("parameters") or {}
        group = tuple(parameters.get(name) for name in by)
        author = str(run.get("user") or run["trigger"].get("by") or "nobody")
        before = found.get((group, author))
        count = before.runs + 1 if before else 1
        if before is not None and sign * before.value <= sign * value:
            value, run = before.value, before.run
        low, high = (run["metrics"].get(f"{metric}_{end}") for end in ("low", "high"))
        found[group, author] = Place(group, author, value, low, high, run, count)
    return sorted(found.values(), key=lambda place: (str(place.group), sign * place.value, place.author))


def varied(places: Sequence[Place], but: Sequence[str]) -> list[str]:
    """The parameters in which these runs differ, without those that are shown already."""
    told = [place.run.get("parameters") or {} for place in places]
    names = dict.fromkeys(name for parameters in told for name in parameters)
    return [name for name in names if name not in but and len({repr(each.get(name)) for each in told}) > 1]
