"""Whose turn it is: never more than there are slots, and no workflow waits for all of another's sweep."""

from hypothesis import given
from hypothesis import strategies as st

from murmur_trainer.domain.slots import Claim, Slots


def runs(workflow: str, count: int, *, sweep: bool = False) -> list[Claim]:
    return [Claim(run_id=f"{workflow}-{number}", workflow=workflow, sweep=sweep) for number in range(count)]


def waiting(*claims: Claim) -> Slots:
    slots = Slots()
    for claim in claims:
        slots = slots.wanted(claim)
    return slots


def order(slots: Slots, total: int) -> list[str]:
    """The run ids as they get their slots, when the one that has held longest always ends next."""
    found: list[str] = []
    slots = slots.granted(total)
    while slots.held:
        found += [claim.run_id for claim in slots.held if claim.run_id not in found]
        slots = slots.without([slots.held[0].run_id]).granted(total)
    return found


def test_runs_of_one_workflow_come_in_their_order() -> None:
    assert order(waiting(*runs("credit", 3)), 1) == ["credit-0", "credit-1", "credit-2"]


def test_a_sweep_of_500_delays_another_workflow_by_one_run() -> None:
    slots = waiting(*runs("climate", 500, sweep=True)).granted(1)
    slots = slots.wanted(Claim(run_id="quarterly", workflow="credit"))
    assert order(slots, 1).index("quarterly") == 1


def test_two_sweeps_take_turns() -> None:
    slots = waiting(*runs("a", 3, sweep=True), *runs("b", 3, sweep=True))
    assert order(slots, 1) == ["a-0", "b-0", "a-1", "b-1", "a-2", "b-2"]


def test_a_workflow_that_holds_fewer_slots_comes_first() -> None:
    slots = waiting(*runs("a", 6)).granted(3)
    slots = slots.wanted(Claim(run_id="b-0", workflow="b")).without(["a-0"]).granted(3)
    assert {claim.run_id for claim in slots.held} == {"a-1", "a-2", "b-0"}


def test_a_workflow_s_own_run_goes_before_its_sweep() -> None:
    slots = waiting(*runs("climate", 5, sweep=True)).granted(1)
    slots = slots.wanted(Claim(run_id="own", workflow="climate"))
    assert order(slots, 1)[1] == "own"


def test_the_same_run_asks_once() -> None:
    (claim,) = runs("credit", 1)
    slots = waiting(claim).granted(1)
    assert slots.wanted(claim) == slots


def test_fewer_slots_than_are_held_gives_none_until_enough_are_back() -> None:
    slots = waiting(*runs("a", 4)).granted(3).without(["a-0"]).granted(1)
    assert len(slots.held) == 2
    assert len(slots.without(["a-1", "a-2"]).granted(1).held) == 1


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans()), max_size=60),
    st.integers(1, 5),
)
def test_whatever_comes_no_more_are_held_than_there_are_and_none_is_lost(
    steps: list[tuple[str, bool, bool]], total: int
) -> None:
    slots, asked, ended = Slots(), 0, 0
    for workflow, sweep, ends in steps:
        if ends and slots.held:
            slots = slots.without([slots.held[0].run_id])
            ended += 1
        else:
            slots = slots.wanted(Claim(run_id=f"r{asked}", workflow=workflow, sweep=sweep))
            asked += 1
        slots = slots.granted(total)
        assert len(slots.held) == min(total, asked - ended)
        assert len(slots.held) + len(slots.waiting) == asked - ended
