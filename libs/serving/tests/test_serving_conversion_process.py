"""A conversion is a process of its own, which may take too long, and must not outlive the replica that wants it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from small_disks import small_disk

from murmur_serving.config import ReplicaConfig
from murmur_serving.conversion.files import _given_up, converted, kept_files

REPLICA = """
import asyncio, sys
from pathlib import Path
from murmur_serving.config import read_replica
from murmur_serving.conversion.files import converted

directory = Path(sys.argv[1])
asyncio.run(converted(directory, read_replica(directory)))
"""

Written = Callable[..., tuple[Path, ReplicaConfig]]


@pytest.fixture
def written(model: Any, tmp_path: Path) -> Written:
    """A replica's directory; of two, both keep what they have converted in one place. endless: the model is a pipe of
    which nothing ever comes."""

    def write(name: str, *, endless: bool = False) -> tuple[Path, ReplicaConfig]:
        config = model.config(tmp_path / "logs").model_copy(
            update={"convert": True, "conversions": tmp_path / "conversions"}
        )
        directory = tmp_path / name
        model.write(directory, config)
        if endless:
            (directory / config.model_file).unlink()
            os.mkfifo(directory / config.model_file)
        return directory, config

    return write


async def test_a_conversion_that_took_too_long_is_not_tried_again_by_every_replica(written: Written) -> None:
    refused, _ = await converted(*written("first", endless=True), patience=0.2)
    assert refused.refusal == "its conversion was not done after 0.2 s"
    directory, config = written("second")
    assert (await converted(directory, config))[0] == refused

    kept = kept_files(directory, config)
    an_hour_ago = time.time() - 3601
    os.utime(kept.proof, (an_hour_ago, an_hour_ago))
    proof, onnx = await converted(directory, config)
    assert (proof.refusal, len(onnx) > 0) == ("", True)
    assert kept.read() == (proof, onnx)


async def test_who_gives_up_takes_what_another_replica_has_proven_meanwhile(written: Written) -> None:
    directory, config = written("first")
    proven = await converted(directory, config)
    assert proven[0].refusal == ""
    assert _given_up(kept_files(directory, config), 45.0) == proven
    assert await converted(*written("second", endless=True), patience=0.2) == proven


async def test_a_full_disk_keeps_no_refusal_and_disturbs_nobody(written: Written, tmp_path: Path) -> None:
    directory, config = written("first", endless=True)
    with small_disk(tmp_path / "disk", mebibytes=2) as disk:
        full = config.model_copy(update={"conversions": disk.path / "conversions"})
        disk.fill()
        assert "not done" in (await converted(directory, full, patience=0.2))[0].refusal
        assert kept_files(directory, full).read() is None


@pytest.fixture
def replica(written: Written) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A process that waits for a conversion without an end, and the pipe that the conversion reads."""
    directory, config = written("killed", endless=True)
    process = subprocess.Popen([sys.executable, "-c", REPLICA, str(directory)])
    yield process, directory / config.model_file
    process.kill()
    process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is told that its parent has ended")
async def test_a_conversion_ends_with_the_replica_that_wants_it(replica: tuple[subprocess.Popen[bytes], Path]) -> None:
    process, pipe = replica
    writer = await read_by_somebody(pipe)
    try:
        [conversion] = psutil.Process(process.pid).children()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        async with asyncio.timeout(20):
            while alive(conversion):  # noqa: ASYNC110  the end of a process that is not our child is no event
                await asyncio.sleep(0.02)
    finally:
        os.close(writer)


async def read_by_somebody(pipe: Path) -> int:
    """Once it is: until then nobody can write without waiting."""
    async with asyncio.timeout(60):
        while True:
            with suppress(OSError):
                return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            await asyncio.sleep(0.02)


def alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
