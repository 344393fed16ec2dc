"""Values to try in -> trainings out; what cannot be trained is refused with its value before anything begins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmur_trainer.domain.asking import NotAskable
from murmur_trainer.domain.parameters import Between
from murmur_trainer.domain.planning import MOST, Plan, members_of
from murmur_trainer.domain.training import Parameters

OWN: Parameters = {"depth": 3, "eta": 0.1, "data": "seattle", "flat": False}
ALLOWED = {"depth": Between(1, 12), "data": ("seattle", "co2")}


def members(plan: Plan) -> tuple[Parameters, ...]:
    return members_of(plan, own=OWN, allowed=ALLOWED)


def test_every_point_is_tried_on_every_choice_of_the_data() -> None:
    plan = Plan(grid={"depth": (3, 5), "eta": (0.1, 0.2)}, data={"data": ("seattle", "co2")})
    assert [tuple(member.values()) for member in members(plan)] == [
        (3, 0.1, "seattle"),
        (3, 0.1, "co2"),
        (3, 0.2, "seattle"),
        (3, 0.2, "co2"),
        (5, 0.1, "seattle"),
        (5, 0.1, "co2"),
        (5, 0.2, "seattle"),
        (5, 0.2, "co2"),
    ]


def test_a_draw_takes_the_same_points_for_each_choice_and_repeats_none() -> None:
    grid = {"depth": tuple(range(1, 13)), "eta": tuple(n / 100 for n in range(1, 50))}
    drawn = members(Plan(grid=grid, data={"data": ("seattle", "co2")}, random=20, seed=1))
    assert len(drawn) == 40
    points = [(member["depth"], member["eta"]) for member in drawn]
    assert points[::2] == points[1::2]
    assert len(set(points)) == 20


def test_the_same_seed_draws_the_same_and_another_draws_others() -> None:
    grid = {"depth": tuple(range(1, 13)), "eta": tuple(n / 100 for n in range(1, 50))}
    first, again, other = (members(Plan(grid=grid, random=20, seed=seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_more_points_than_there_are_is_all_of_them_in_order() -> None:
    assert [member["depth"] for member in members(Plan(grid={"depth": (5, 3)}, random=9))] == [5, 3]


def test_a_few_points_of_an_endless_grid_are_drawn_without_making_the_others() -> None:
    values = tuple(n / 1e7 for n in range(1, 1000))
    own = {f"p{n}": 0.5 for n in range(12)}
    assert len(members_of(Plan(grid=dict.fromkeys(own, values), random=5), own=own, allowed={})) == 5


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (Plan(), "a sweep of nothing"),
        (Plan(grid={"dept": (3,)}), "'dept' is not a parameter of this workflow: did you mean 'depth'?"),
        (Plan(grid={"depth": (3, 99)}), "depth=99 is not allowed: from 1 to 12 it may be"),
        (Plan(grid={"depth": (3, "deep")}), "depth='deep' is text, and 'depth' takes a number"),
        (Plan(grid={"depth": (True,)}), "depth=True is true or false, and 'depth' takes a number"),
        (Plan(grid={"eta": (float("nan"),)}), "eta=nan is no number to train with"),
        (Plan(data={"data": ("seattle", "mars")}), "data='mars' is not allowed: it may be 'seattle', 'co2'"),
        (Plan(grid={"depth": ()}), "'depth' has no value to try"),
        (Plan(grid={"depth": (3, 4, 3)}), "depth=3 stands twice"),
        (Plan(grid={"data": ("co2",)}, data={"data": ("co2",)}), "'data' is both of the grid and of the data"),
        (Plan(grid={"eta": tuple(n / 2000 for n in range(MOST + 1))}), "1,001 trainings are more than the 1,000"),
    ],
)
def test_what_cannot_be_trained_is_refused_and_named(plan: Plan, told: str) -> None:
    with pytest.raises(NotAskable) as refused:
        members(plan)
    assert told in str(refused.value)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 300), st.integers(0, 9))
def test_members_are_distinct_points_of_the_grid(sizes: list[int], drawn: int, seed: int) -> None:
    own: Parameters = {f"p{place}": 0.0 for place in range(len(sizes))}
    grid = {f"p{place}": tuple(float(n) for n in range(size)) for place, size in enumerate(sizes)}
    found = members_of(Plan(grid=grid, random=drawn, seed=seed), own=own, allowed={})
    total = 1
    for size in sizes:
        total *= size
    assert len({tuple(member.items()) for member in found}) == len(found) == min(drawn, total)
    assert all(member[name] in values for member in found for name, values in grid.items())
