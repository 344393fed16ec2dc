"""An import that ends at any call, and is done again, leaves what an uninterrupted one leaves: nothing is doubled."""

from pathlib import Path

import pytest
from mlflow_contents import filled, seen, without_marks
from mlflow_worlds import Calls, Interrupted, Json, World, imported, world

from murmur_cli.mlflow_import.shapes import INCOMPLETE

_EVERY = 4


async def interrupted(there: World, here: World, calls: Calls, **how: int) -> None:
    here.doors.watch = calls
    with pytest.raises(Interrupted):
        await imported(there, here, **how)
    here.doors.watch = Calls()


@pytest.mark.parametrize(("first", "answered"), [(1, False), (3, True)], ids=["before it arrives", "after its answer"])
async def test_an_import_may_end_at_any_call_and_goes_on(tmp_path: Path, first: int, answered: bool) -> None:
    """Every fourth call in turn is the one at which it is killed: with _EVERY = 1 each, in a minute."""
    async with world(tmp_path / "there") as there:
        await filled(there)
        async with world(tmp_path / "here") as here:
            here.doors.watch = calls = Calls()
            await imported(there, here)
            last = calls.count
            uninterrupted = await seen(here)
        for kill_at in range(first, last + 1, _EVERY):
            async with world(tmp_path / f"here-{kill_at}") as here:
                await interrupted(there, here, Calls(kill_at, answered=answered))
                await nothing_half_looks_whole(here, uninterrupted)
                tally = await imported(there, here)
                assert tally.left == [], kill_at
                assert await seen(here) == uninterrupted, kill_at


def held(model: Json) -> Json:
    """Without what runs measured of it, which comes with them."""
    return {**model, "data": {"params": model["data"].get("params")}}


async def test_so_may_one_of_which_many_runs_are_on_their_way(tmp_path: Path) -> None:
    async with world(tmp_path / "there") as there:
        await filled(there)
        async with world(tmp_path / "here") as here:
            for kill_at in (12, 15, 18, 21):
                await interrupted(there, here, Calls(kill_at), at_once=8)
            await imported(there, here, at_once=8)
            assert without_marks(await seen(here)) == without_marks(await seen(there))


async def nothing_half_looks_whole(here: World, uninterrupted: Json) -> None:
    so_far = await seen(here)
    for name, run in so_far["runs"].items():
        if INCOMPLETE not in run["marks"]:
            assert run == uninterrupted["runs"][name]
    for name, model in so_far["logged models"].items():
        if INCOMPLETE not in model["marks"]:
            assert held(model) == held(uninterrupted["logged models"][name])
