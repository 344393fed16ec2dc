"""Real infrastructure for tests: a broker of one's own on free ports, ready in seconds, gone with the block."""

import asyncio
import inspect
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, overload

import psutil

from murmur_runtime import broker_rules, kafka
from murmur_runtime.home import Home
from murmur_runtime.jars import fetch_jars
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings
from murmur_runtime.topics import create_topics

T = TypeVar("T")


@overload
async def eventually(look: Callable[[], Coroutine[Any, Any, T]], *, within: float = ...) -> T: ...
@overload
async def eventually(look: Callable[[], T], *, within: float = ...) -> T: ...
async def eventually(look: Callable[[], Any], *, within: float = 15.0) -> Any:
    """The first truthy thing that `look` returns. Raises AssertionError with the last one after so many seconds."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        result = await seen if inspect.isawaitable(seen) else seen
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {within} s; the last look saw {result!r}"
        await asyncio.sleep(0.05)


def listening_at(brokers: str) -> psutil.Process:
    """The broker's process, a child of this one: other tests of the session may have brokers of their own."""
    port = int(brokers.rpartition(":")[2])
    [found] = [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE
        and any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in child.net_connections("tcp"))
    ]
    return found


@contextmanager
def running_broker(home: Path, *, within: float = 60.0) -> Iterator[str]:
    """Yields the address of a real Kafka broker that has the topics of the catalog; kills it at the end.

    Starts nothing else. Everything it writes is under `home`. Takes about 4 s; the jars are downloaded once a machine.
    """
    with _running(FlockSettings(home=home, port=free_front_door(), broker_memory="256m"), within) as settings:
        yield settings.brokers


@contextmanager
def running_secure_broker(home: Path, *, within: float = 60.0, **more: Any) -> Iterator[FlockSettings]:
    """The same with users and rules; `access_as(user)` of what it yields is a user's way to it."""
    settings = FlockSettings(home=home, port=free_front_door(), broker_memory="256m", secure=True, **more)
    with _running(settings, within) as running:
        yield running


@contextmanager
def _running(settings: FlockSettings, within: float) -> Iterator[FlockSettings]:
    place = Home(settings.home)
    place.create()
    jars = fetch_jars(settings.cache, mirror=settings.maven_mirror)
    kafka.prepare(settings, place, jars)
    with place.log("kafka").open("ab") as log:
        process = subprocess.Popen(
            kafka.command(settings, place, jars),
            env=kafka.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        asyncio.run(_ready(settings, process, place.log("kafka"), within))
        yield settings
    finally:
        process.kill()
        process.wait()


async def _ready(settings: FlockSettings, process: "subprocess.Popen[bytes]", log: Path, within: float) -> None:
    deadline = time.monotonic() + within
    while (why := await kafka.answers(settings.operator_access)) is not None:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the broker did not become ready: {why}; its log ends with:\n{log.read_text()[-2000:]}")
        await asyncio.sleep(0.1)
    if settings.secured:
        await asyncio.to_thread(broker_rules.apply, settings.operator_access, settings.vault)
    await create_topics(settings.operator_access)
