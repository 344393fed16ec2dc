"""Replicas of the deployer take turns, as processes do: a dead one's turn is over."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from murmur_deployer.turns import FileTurn, Turns
from murmur_kernel.testing import eventually

HOLDER = """
import asyncio, sys
from pathlib import Path
from murmur_deployer.turns import FileTurn

async def hold():
    async with FileTurn(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


async def test_tasks_of_one_process_take_turns(tmp_path: Path) -> None:
    turn = FileTurn(tmp_path / "a.lock")
    inside: list[int] = []

    async def work(number: int) -> None:
        async with turn:
            inside.append(number)
            await asyncio.sleep(0)
            assert inside == [number]
            inside.clear()

    await asyncio.gather(*(work(number) for number in range(20)))


async def test_a_turn_held_by_another_process_is_waited_for_until_that_one_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    holder = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLDER, str(path), stdout=subprocess.PIPE)
    assert holder.stdout is not None
    try:
        assert await holder.stdout.readline() == b"held\n"
        taken = asyncio.Event()

        async def take() -> None:
            async with FileTurn(path):
                taken.set()

        waiting = asyncio.create_task(take())
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done

        holder.send_signal(signal.SIGKILL)
        await eventually(taken.is_set, within=5)
        await waiting
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.wait()


async def test_a_wait_that_is_cancelled_leaves_the_turn_to_others(tmp_path: Path) -> None:
    turn, other = FileTurn(tmp_path / "a.lock"), FileTurn(tmp_path / "a.lock")
    async with other:
        waiting = asyncio.create_task(turn.__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    async with turn:
        pass


async def test_every_name_has_a_turn_of_its_own(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    async with turns("rollout-credit"), turns("rollout-fraud"):
        assert turns("rollout-credit") is turns("rollout-credit")
