"""Artifacts through a real server: large ones, in memory that does not grow, and a kill in the middle of one."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
from artifact_doors import ROOT

from murmur_kernel.testing import eventually
from murmur_runtime.ports import free_front_door

PIECE = bytes(range(256)) * 4096
PIECES = 300
"""MiB."""


class Server:
    """One process at a time, always with the same home and port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_front_door(span=1)
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        here = Path(__file__).parent
        command = [sys.executable, str(here / "artifact_process.py"), str(self.home), str(self.port)]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: ASYNC220  # forking takes no time

        async def healthy() -> bool:
            try:
                async with self.client() as client:
                    return (await client.get("/health")).text == "OK"
            except httpx.TransportError:
                return False

        await eventually(healthy, within=60)

    def kill(self) -> None:
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def memory(self) -> int:
        assert self.process is not None
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=60)

    @property
    def incoming(self) -> list[Path]:
        return list((self.home / "artifacts" / "incoming").glob("*"))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    running = Server(tmp_path)
    await running.start()
    yield running
    running.kill()


async def large(pieces: int = PIECES) -> AsyncIterator[bytes]:
    for _ in range(pieces):
        yield PIECE


async def test_300_mib_pass_both_ways_in_memory_that_does_not_grow(server: Server) -> None:
    async with server.client() as client:
        await client.put(f"{ROOT}/0/warm", content=large(8))
        await client.get(f"{ROOT}/0/warm")
        before = server.memory()
        highest = before

        async def watched() -> AsyncIterator[bytes]:
            nonlocal highest
            async for piece in large():
                yield piece
                highest = max(highest, server.memory())

        assert (await client.put(f"{ROOT}/0/large", content=watched())).status_code == 200
        digest = hashlib.sha256()
        async with client.stream("GET", f"{ROOT}/0/large") as got:
            assert int(got.headers["content-length"]) == PIECES * len(PIECE)
            async for piece in got.aiter_bytes():
                digest.update(piece)
                highest = max(highest, server.memory())
        assert got.headers["etag"] == f'"{digest.hexdigest()}"'
    assert highest - before < 32 * 2**20


async def test_a_kill_in_the_middle_of_an_upload_leaves_what_was_there_and_no_half_file(server: Server) -> None:
    async with server.client() as client:
        await client.put(f"{ROOT}/0/model", content=b"acknowledged")

        async def until_killed() -> AsyncIterator[bytes]:
            while True:
                yield PIECE
                await asyncio.sleep(0)

        uploading = asyncio.create_task(client.put(f"{ROOT}/0/model", content=until_killed()))
        await eventually(lambda: any(part.stat().st_size > 4 * 2**20 for part in server.incoming))
        server.kill()
        with pytest.raises(httpx.TransportError):
            await uploading
    assert len(server.incoming) == 1

    await server.start()

    async with server.client() as client:
        assert (await client.get(f"{ROOT}/0/model")).content == b"acknowledged"
        assert (await client.get(ROOT, params={"path": "0"})).json()["files"] == [
            {"path": "model", "is_dir": False, "file_size": 12}
        ]
        assert server.incoming == []
        assert (await client.put(f"{ROOT}/0/model", content=b"again")).status_code == 200
        assert (await client.get(f"{ROOT}/0/model")).content == b"again"


async def test_a_client_that_goes_away_in_the_middle_leaves_nothing(server: Server) -> None:
    async with server.client() as client:
        await client.put(f"{ROOT}/0/model", content=b"acknowledged")
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"PUT {ROOT}/0/model HTTP/1.1\r\nHost: x\r\nContent-Length: {2**30}\r\n\r\n".encode() + PIECE * 3)
    await writer.drain()
    await eventually(lambda: any(part.stat().st_size > 2**20 for part in server.incoming))
    writer.close()
    await eventually(lambda: server.incoming == [])
    async with server.client() as client:
        assert (await client.get(f"{ROOT}/0/model")).content == b"acknowledged"


async def test_of_many_files_uploaded_at_once_each_is_itself(server: Server) -> None:
    """Some of them equal, some under the same name."""
    async with server.client() as client:
        names = [f"0/{number % 20}" for number in range(60)]
        answers = await asyncio.gather(
            *(client.put(f"{ROOT}/{name}", content=PIECE[: 1000 + number % 3]) for number, name in enumerate(names))
        )
        assert {answer.status_code for answer in answers} == {200}
        for name in set(names):
            content = (await client.get(f"{ROOT}/{name}")).content
            assert content in (PIECE[:1000], PIECE[:1001], PIECE[:1002])
