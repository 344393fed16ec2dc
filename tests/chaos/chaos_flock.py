"""A flock whose services carry fuses, and the patience that people need with one that is being killed."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import httpx
from fuses import Arm, Fired, Point
from live import LiveFlock, of
from victims import MODEL_SERVER, kind_of

from murmur_cli.door import FrontDoor, Json, NotReachable, Rejected
from murmur_events.catalog import SERVICES
from murmur_runtime import flock as runtime
from murmur_runtime import living
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members, ProcessSpec, all_members
from murmur_runtime.settings import FlockSettings, Profile
from murmur_runtime.state import Phase, ProcessState

T = TypeVar("T")

FULL = os.environ.get("MURMUR_CHAOS") == "full"
"""`make chaos` sets it; `make test` plays fewer scenes."""
SETUP = os.environ.get("MURMUR_CHAOS_SETUP", "embedded")
HERE = Path(__file__).parent
ROOT = HERE / "fused_service.py"
CHECKER = HERE / "checker.py"
RESULTS = HERE / "results"
PATIENCE = float(os.environ.get("MURMUR_CHAOS_PATIENCE", 240))
"""Seconds that anything may take while processes are killed on two busy cores."""
RAISING = 600.0


def chaos_settings(home: Path, store: str = "") -> FlockSettings:
    """store: of the servers set-up, a MongoDB of its own. Raises ValueError for one that this suite does not know."""
    port = free_front_door(span=120)
    match SETUP:
        case "embedded":
            return FlockSettings(home=home, port=port)
        case "servers":
            return FlockSettings(home=home, port=port, profile=Profile.SERVERS, store=store, broker_memory="256m")
    raise ValueError(f"MURMUR_CHAOS_SETUP={SETUP!r} is no set-up known here: embedded, servers")


def fused_members(settings: FlockSettings) -> Members:
    """The platform as it is, with the composition root of each service exchanged."""
    return Members(services=tuple(map(_fused, all_members(settings).services)))


def _fused(spec: ProcessSpec) -> ProcessSpec:
    """A model server gets all the time that it needs: on cores busy with restarts its imports take a minute."""
    if member_of(spec.name) not in SERVICES:
        return spec
    command = (sys.executable, str(ROOT), member_of(spec.name))
    return spec.model_copy(
        update={"command": command, "environment": {**spec.environment, "MURMUR_START_SECONDS": str(PATIENCE)}}
    )


def member_of(process: str) -> str:
    """trainer-2 is a replica of the trainer, kafka-3 a broker."""
    return re.sub(r"-\d+$", "", process)


@dataclass(frozen=True)
class ChaosFlock(LiveFlock):
    @property
    def folder(self) -> Path:
        return self.settings.home / "chaos"

    async def raise_again(self) -> None:
        """As `murmur up` does: adopts what lives, starts what does not."""
        self.folder.mkdir(parents=True, exist_ok=True)
        await runtime.up(self.settings, members=fused_members(self.settings), within=RAISING)

    def arm(self, process: str, arm: Arm) -> None:
        (self.folder / f"{process}.fired.json").unlink(missing_ok=True)
        path = self.folder / f"{process}.armed.json"
        path.with_suffix(".part").write_text(json.dumps(asdict(arm)))
        path.with_suffix(".part").replace(path)

    def fired(self, process: str) -> Fired | None:
        try:
            fields = json.loads((self.folder / f"{process}.fired.json").read_text())
        except FileNotFoundError:
            return None
        arm = Arm(**{**fields["arm"], "point": Point(fields["arm"]["point"])})
        return Fired(arm, fields["process"], fields["pid"], fields["at"], tuple(fields["ids"]))

    async def begin_workflow(self, folder: Path, name: str) -> None:
        """Applied, before anything is killed."""
        await patiently(lambda: self.apply(self.scaffold(folder / name, name), name))

    async def demand(self, name: str, key: str) -> None:
        """A training, asked for until somebody says yes; the key makes it one."""
        await patiently(lambda: self.trigger(name, key=key))

    async def approve_all(self, *, pause: float = 0.3) -> None:
        """A reviewer who says yes to everything, until cancelled."""
        while True:
            with suppress(NotReachable, Rejected):
                async with FrontDoor(self.settings.front_door) as door:
                    for review in await door.items("/registry/v1/reviews", status="open"):
                        await self.review(review["model"], review["version"], "approved")
            await asyncio.sleep(pause)

    @asynccontextmanager
    async def reviewer(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.approve_all())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def answer(self, name: str) -> httpx.Response:
        """One prediction through the front door, of the probe's rows."""
        registered = next(envelope for envelope in await self.history() if of("model.registered", name)(envelope))
        uri: str = registered.event.state.artifacts.probe.uri  # type: ignore[attr-defined]
        request = json.loads(Path(uri.removeprefix("file://")).read_text())["request"]
        async with httpx.AsyncClient(base_url=self.settings.front_door, timeout=60) as client:
            return await client.post(f"/v2/models/{name}/infer", json=request)

    def supervisor(self) -> int | None:
        found = runtime.status(self.settings)
        return found.supervisor if found else None

    def processes(self) -> dict[str, ProcessState]:
        found = runtime.status(self.settings)
        return {process.name: process for process in found.processes} if found else {}

    def kill(self, process: str) -> int:
        """kill -9 of the process, or of the first replica of that name; its pid."""
        replicas = (name for name in sorted(self.processes()) if member_of(name) == process)
        return super().kill(next(replicas, process))

    def recovered(self, process: str, since: float) -> float | None:
        """Seconds from `since` until the process was ready again; None while it is not."""
        state = self.processes().get(process)
        if state is None or state.phase is not Phase.READY or state.since.timestamp() < since:
            return None
        return state.since.timestamp() - since

    def model_servers(self, deployment: str) -> list[int]:
        """Pids of all that serve it, or ever did and are still there."""
        home = Home(self.settings.home)
        return [
            each.pid
            for each in living.tagged(home)
            if kind_of(each) == MODEL_SERVER and Path(each.cmdline()[-1]).name.startswith(f"{deployment}-v")
        ]

    def check(self, *arguments: str, within: float = 60) -> "subprocess.CompletedProcess[str]":
        """The checker, as the program of its own that it is."""
        stores = ("--mongodb", self.settings.store) if self.settings.store else ()
        return self._checker("--brokers", self.settings.brokers, *stores, "--within", str(within), *arguments)

    def look_for_orphans(self) -> "subprocess.CompletedProcess[str]":
        return self._checker("--down", "--only", "orphans", "--within", "10")

    def _checker(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, str(CHECKER), "--home", str(self.settings.home), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)


async def patiently(call: Callable[[], Awaitable[T]], *, within: float = PATIENCE) -> T:
    """Calls again while nobody answers or the answer is 503; what is refused for a reason is raised."""
    deadline = time.monotonic() + within
    while True:
        try:
            return await call()
        except NotReachable:
            if time.monotonic() > deadline:
                raise
        except Rejected as error:
            if error.status not in (502, 503, 504, 507) or time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.2)


def tell(line: str) -> None:
    """Progress, seen while it happens under `pytest -s`."""
    print(line, flush=True)  # noqa: T201


async def ended(flock: ChaosFlock, name: str) -> None:
    """Until its model serves. Raises AssertionError with what the checker says where it does not get there."""
    try:
        await flock.until(f"the deployment of {name}", of("model.deployed", name), within=PATIENCE)
    except AssertionError as error:
        found = await asyncio.to_thread(flock.check, within=0)
        raise AssertionError(f"{error}\nThe checker says:\n{found.stdout}") from error


def record_result(kind: str, rows: list[Json]) -> Path:
    """Kept beside the suite, so that runs can be compared."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{SETUP}-{kind}.json"
    path.write_text(json.dumps(rows, indent=1) + "\n")
    return path
