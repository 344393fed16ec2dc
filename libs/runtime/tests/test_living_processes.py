"""A process is found again by whoever looks for it, and never mistaken for another."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from murmur_runtime import living
from murmur_runtime.home import Home, write_atomically
from murmur_runtime.living import Identity
from murmur_runtime.ports import describe, owner_of, taken

SLEEP = "import time; time.sleep(600)"


@contextmanager
def running(home: Home, name: str, *, code: str = SLEEP, leader: bool = True) -> Iterator[psutil.Process]:
    environment = {**os.environ, "MURMUR_FLOCK": home.tag, "MURMUR_PROCESS": name}
    child = subprocess.Popen([sys.executable, "-S", "-c", code], env=environment, start_new_session=leader)
    try:
        yield psutil.Process(child.pid)
    finally:
        child.kill()
        child.wait()


def test_a_noted_process_is_found(home: Home) -> None:
    with running(home, "trainer") as process:
        living.note(home, "trainer", process)

        assert living.find(home, "trainer") == process

    assert living.find(home, "trainer") is None


def test_a_process_whose_starter_died_before_noting_it_is_found_by_its_tag(home: Home) -> None:
    with running(home, "trainer") as process:
        assert living.find(home, "trainer") == process


def test_a_stranger_with_the_noted_pid_is_not_taken_for_it(home: Home) -> None:
    stranger = Identity(pid=os.getpid(), created=psutil.Process().create_time() - 3600)
    write_atomically(home.pidfile("trainer"), stranger.model_dump_json())

    assert living.find(home, "trainer") is None


def test_a_child_of_a_service_is_not_taken_for_the_service(home: Home) -> None:
    with running(home, "trainer", leader=False):
        assert living.find(home, "trainer") is None


STARTS_ANOTHER = """
import subprocess, sys
from murmur_kernel.serve import serve

def create_app():
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True)
    raise SystemExit  # it dies, and what it started lives on

serve("deployer", create_app)
"""


def test_a_model_server_that_outlives_its_deployer_is_not_taken_for_the_deployer(home: Home) -> None:
    """It belongs to the flock, and leads a session of its own."""
    environment = {**os.environ, "MURMUR_FLOCK": home.tag, "MURMUR_PROCESS": "deployer", "MURMUR_HOME": str(home.root)}
    subprocess.run([sys.executable, "-c", STARTS_ANOTHER], env=environment, check=True, timeout=60)
    left = living.tagged(home)
    try:
        assert len(left) == 1
        assert living.find(home, "deployer") is None
    finally:
        for process in left:
            process.kill()


def test_a_damaged_pidfile_is_as_good_as_none(home: Home) -> None:
    home.pidfile("trainer").write_text("{half")

    assert living.find(home, "trainer") is None


def test_processes_of_another_flock_are_not_ours(home: Home) -> None:
    with running(Home(home.root / "other"), "trainer"):
        assert living.tagged(home) == []


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_the_owner_of_a_port_is_named_with_pid_and_command(listener: int) -> None:
    assert taken("127.0.0.1", listener)
    owner = owner_of(listener)

    assert owner == psutil.Process()
    assert describe(owner).startswith(f"pid {os.getpid()}: ")
    assert "python" in describe(owner)


def test_a_port_nobody_listens_on_is_free() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = int(reserved.getsockname()[1])

    assert not taken("127.0.0.1", port)
    assert owner_of(port) is None
