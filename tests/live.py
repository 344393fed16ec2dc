"""A whole flock for tests, spoken to as people and other systems speak to it: by the command line, REST and Kafka."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from murmur_access.rules import CONSOLE
from murmur_cli import feed
from murmur_cli.bundle import read_folder, renamed
from murmur_cli.door import FrontDoor, Json, NotReachable
from murmur_cli.signing_in import token_of
from murmur_events import Envelope
from murmur_events.catalog import CATALOG
from murmur_runtime import flock
from murmur_runtime.settings import FlockSettings
from murmur_workflows.scaffold import write_scaffold

Condition = Callable[[Envelope], bool]


def of(topic: str, key: str, **fields: object) -> Condition:
    """Events of a topic whose workflow, model, deployment or key is `key` and whose fields have these values."""

    def matches(envelope: Envelope) -> bool:
        event = envelope.event
        names = {envelope.key, *(getattr(event, name, None) for name in ("workflow", "model", "deployment"))}
        return (
            envelope.topic == topic
            and key in names
            and all(getattr(event, name) == value for name, value in fields.items())
        )

    return matches


@dataclass(frozen=True)
class LiveFlock:
    """One embedded flock with a home and ports of its own."""

    settings: FlockSettings

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "MURMUR_HOME": str(self.settings.home),
            "MURMUR_PORT": str(self.settings.port),
            "NO_COLOR": "1",
            "COLUMNS": "200",
        }

    def murmur(
        self, *arguments: str, within: float = 120, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The command line, as a process of its own."""
        command = [str(Path(sys.executable).parent / "murmur"), *arguments]
        return subprocess.run(
            command, env=environment or self.environment, capture_output=True, text=True, timeout=within, check=False
        )

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """The command line without waiting for its end."""
        command = [str(Path(sys.executable).parent / "murmur"), *arguments]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def door(self) -> FrontDoor:
        """As the one who raised it, where it asks who calls."""
        return FrontDoor(
            self.settings.front_door,
            token=token_of(self.settings),
            trusted=self.settings.tls_ca or self.settings.tls_cert,
        )

    def scaffold(self, folder: Path, name: str, **replacements: str) -> Path:
        """A workflow as `murmur init` writes it, with some of its files replaced: train="…" for train.py."""
        write_scaffold(name, folder)
        for stem, text in replacements.items():
            (folder / f"{stem}.py").write_text(text)
        return folder

    async def apply(self, folder: Path, name: str, edit: Callable[[str], str] = lambda text: text) -> Json:
        files = read_folder(folder)
        definition = edit(renamed(files.pop("workflow.yaml"), name))
        async with self.door() as door:
            return await door.put(f"/trainer/v1/workflows/{name}", {"definition": definition, "files": files})

    async def trigger(self, name: str, *, key: str | None = None, **body: Any) -> Json:
        async with self.door() as door:
            return await door.post(f"/trainer/v1/workflows/{name}/trainings", {"kind": "manual", **body}, key=key)

    async def review(self, model: str, version: int, decision: str) -> Json:
        async with self.door() as door:
            by = None if door.signed_in else "a test"
            body = {"decision": decision, "by": by, "reason": "because the test says so"}
            return await door.post(f"/registry/v1/models/{model}/versions/{version}/review", body)

    async def get(self, path: str) -> Json:
        async with self.door() as door:
            return await door.get(path)

    async def history(self, *, whole: bool = False) -> list[Envelope]:
        """Every event so far; with `whole` those of the busy topics too."""
        topics = [topic.name for topic in CATALOG] if whole else feed.STORY_TOPICS
        return [envelope async for envelope in feed.events(self.settings.access_as(CONSOLE), topics=topics)]

    async def until(self, what: str, condition: Condition, *, within: float = 90) -> Envelope:
        """The first event that meets the condition, from the beginning of the history. Raises AssertionError."""
        last: list[str] = []
        try:
            async with asyncio.timeout(within):
                while True:
                    try:
                        return await self._first(condition, last)
                    except NotReachable:
                        last.append("the broker was away")
                        await asyncio.sleep(0.2)
        except TimeoutError:
            raise AssertionError(f"{what} did not happen within {within} s; last events: {last[-12:]}") from None

    async def _first(self, condition: Condition, last: list[str]) -> Envelope:
        async with aclosing(feed.events(self.settings.access_as(CONSOLE), follow=True)) as story:
            async for envelope in story:
                last.append(f"{envelope.source} {envelope.topic} {envelope.key}")
                if condition(envelope):
                    return envelope
        raise AssertionError("a history that is followed does not end")

    def pid(self, process: str) -> int:
        path = self.settings.home / "run" / f"{process}.pid.json"
        return int(json.loads(path.read_text())["pid"])

    def kill(self, process: str) -> int:
        """kill -9; the pid that was killed."""
        pid = self.pid(process)
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_model_server(self, deployment: str) -> int:
        """kill -9 of the process that serves a deployment."""
        for process in psutil.process_iter(["pid", "cmdline", "environ"]):
            words = " ".join(process.info["cmdline"] or ())
            mine = (process.info["environ"] or {}).get("MURMUR_HOME") == str(self.settings.home)
            if mine and f"/replicas/{deployment}-" in words:
                process.kill()
                return int(process.info["pid"])
        raise AssertionError(f"no model server of {deployment!r} runs")

    def wait_ready(self, *, within: float = 90) -> None:
        """Until every process is ready again."""
        deadline = time.monotonic() + within
        while True:
            found = flock.status(self.settings)
            if found is not None and found.ready:
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"the flock is not ready: {found}")
            time.sleep(0.1)
