"""From the values that a sweep is to try to the trainings that it is made of: the same plan gives the same ones."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from murmur_trainer.domain.asking import NotAskable
from murmur_trainer.domain.parameters import Allowed, Scalar, check_parameters
from murmur_trainer.domain.training import Parameters

MOST = 1000
"""Members of one sweep: more would be asked for in one transaction than a store should keep waiting for."""

Choices = Mapping[str, tuple[Scalar, ...]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """grid: values to try, by parameter. data: parameters that choose the data; each point is tried on each choice.

    random: so many points of the grid, drawn without repeating one; None is all. seed: of the draw.
    """

    grid: Choices = field(default_factory=dict)
    data: Choices = field(default_factory=dict)
    random: int | None = None
    seed: int = 0


def members_of(plan: Plan, *, own: Parameters, allowed: Allowed) -> tuple[Parameters, ...]:
    """The overrides of each training, first all choices of the data for one point, then for the next.

    Raises NotAskable for a plan without values, with one that a parameter cannot have, or with more than MOST members.
    """
    _check(plan, own=own, allowed=allowed)
    points, choices = _size(plan.grid), _size(plan.data)
    drawn = points if plan.random is None else min(plan.random, points)
    if drawn * choices > MOST:
        raise NotAskable(
            f"{drawn * choices:,} trainings are more than the {MOST:,} of one sweep: try fewer values, or draw some of"
            f" the {points:,} points with random"
        )
    chosen = range(points) if drawn == points else _drawn(points, drawn, plan.seed)
    return tuple(
        _point(plan.grid, number) | _point(plan.data, choice) for number in chosen for choice in range(choices)
    )


def _check(plan: Plan, *, own: Parameters, allowed: Allowed) -> None:
    if not plan.grid and not plan.data:
        raise NotAskable("a sweep of nothing: give at least one parameter with the values to try, as max_depth=3,5")
    for name in plan.grid.keys() & plan.data.keys():
        raise NotAskable(f"{name!r} is both of the grid and of the data: name it once")
    for name, values in (*plan.grid.items(), *plan.data.items()):
        if not values:
            raise NotAskable(f"{name!r} has no value to try")
        for number, value in enumerate(values):
            check_parameters({name: value}, own=own, allowed=allowed)
            if value in values[:number]:
                raise NotAskable(f"{name}={value!r} stands twice: each value is tried once")


def _drawn(points: int, count: int, seed: int) -> tuple[int, ...]:
    """So many different ones. Drawn one by one, since a grid may have more points than a machine can count through."""
    draws, found = random.Random(seed), dict[int, None]()
    while len(found) < count:
        found[draws.randrange(points)] = None
    return tuple(found)


def _size(choices: Choices) -> int:
    return math.prod(len(values) for values in choices.values())


def _point(choices: Choices, number: int) -> Parameters:
    """The n-th combination, the last name's values changing fastest: found without making those before it."""
    point: Parameters = {}
    for name, values in reversed(tuple(choices.items())):
        number, place = divmod(number, len(values))
        point[name] = values[place]
    return dict(reversed(point.items()))
