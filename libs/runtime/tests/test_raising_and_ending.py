"""How a flock begins and ends: nothing is started in vain, nothing is left behind, two flocks do not meet."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from murmur_runtime import flock, living
from murmur_runtime.errors import KeepsFailing, PortTaken
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members, ProcessSpec, service
from murmur_runtime.settings import FlockSettings
from murmur_runtime.state import Phase, read_state

MakeMembers = Callable[[FlockSettings], Members]


async def test_a_taken_port_is_named_with_its_owner_and_nothing_is_started(
    settings: FlockSettings, two_tiny: MakeMembers
) -> None:
    members = two_tiny(settings)
    with (
        socket.create_server(("127.0.0.1", members.services[1].port)),
        pytest.raises(PortTaken, match=rf"\(beta\) is taken by pid {os.getpid()}: .*python"),
    ):
        await flock.up(settings, members=members)

    assert living.tagged(Home(settings.home)) == []


async def test_a_port_that_is_held_by_what_was_just_killed_is_waited_for(
    settings: FlockSettings, two_tiny: MakeMembers
) -> None:
    """As a broker is, or whatever ran out of memory: its port is free when the last of its memory is."""
    members = two_tiny(settings)
    large = killed_while_it_listens(members.services[1].port, Home(settings.home).tag)
    await flock.up(settings, members=members)
    large.wait()


def killed_while_it_listens(port: int, tag: str) -> "subprocess.Popen[str]":
    program = f"""
import socket
server = socket.create_server(("127.0.0.1", {port}))
held = b"x" * (700 << 20)
print("up", flush=True)
server.accept()
"""
    command, environment = [sys.executable, "-S", "-c", program], {**os.environ, "MURMUR_FLOCK": tag}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == "up\n"
        process.kill()
    return process


async def test_a_service_that_never_comes_up_is_told_with_the_end_of_its_log(settings: FlockSettings) -> None:
    command = (sys.executable, "-S", "-c", "raise SystemExit('no such table')")
    broken = service(settings, "broken", command, port=settings.port)

    with pytest.raises(KeepsFailing, match="no such table"):
        await flock.up(settings, members=Members(services=(broken,), broker=False, proxy=False))

    state = read_state(Home(settings.home))
    assert state is not None
    assert state.processes[0].phase in (Phase.BACKING_OFF, Phase.STARTING)


async def test_down_sweeps_what_services_had_started(settings: FlockSettings, tiny: Callable[..., ProcessSpec]) -> None:
    deployer = tiny(settings, "deployer", TINY_STARTS_A_MODEL_SERVER="yes")
    await flock.up(settings, members=Members(services=(deployer,), broker=False, proxy=False))
    before = living.tagged(Home(settings.home))

    stopped = await flock.down(settings)

    assert len(before) == 3, "supervisor, deployer and its model server"
    assert stopped.names == ("deployer",)
    assert not any(living.alive(process) for process in before)


async def test_down_works_without_a_supervisor(settings: FlockSettings, two_tiny: MakeMembers) -> None:
    state = (await flock.up(settings, members=two_tiny(settings))).state
    os.kill(state.supervisor, signal.SIGKILL)

    stopped = await flock.down(settings)

    assert sorted(stopped.names) == ["alpha", "beta"]
    assert living.tagged(Home(settings.home)) == []
    assert flock.status(settings) is None


async def test_two_flocks_live_side_by_side_and_one_rises_again(
    settings: FlockSettings, two_tiny: MakeMembers, tmp_path: Path
) -> None:
    second = FlockSettings(home=tmp_path / "second", port=free_front_door())
    await flock.up(second, members=two_tiny(second))
    first = (await flock.up(settings, members=two_tiny(settings))).state

    await flock.down(second)
    again = await flock.down(second)

    assert again.names == ()
    now = read_state(Home(settings.home))
    assert now == first
    assert len(living.tagged(Home(settings.home))) == 3

    await flock.down(settings)
    assert (await flock.up(settings, members=two_tiny(settings))).state.ready
