"""A real console process that is told a story from a file and calls a small server in place of the flock."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from console_events import Teller
from console_flock import LETTER, StubFlock, running_flock
from console_story import credit_story

from murmur_console.story_file import line_of


@dataclass
class RunningConsole:
    """A console process, the story that it is being told, and the flock that it calls."""

    address: str
    story: Teller
    flock: StubFlock
    file: Path

    def tell_more(self, told: int) -> None:
        """What the teller has told since there were so many events, appended to the file."""
        with self.file.open("a", encoding="utf-8") as file:
            file.writelines(line_of(envelope) + "\n" for envelope in self.story.told[told:])


@contextmanager
def running_console(directory: Path, *, story: Teller | None = None, **environs: str) -> Iterator[RunningConsole]:
    """story: the credit story unless another is given. environs: more of its environment."""
    story = story or credit_story(datetime.now(UTC))
    file = directory / "story.jsonl"
    flock = StubFlock(unready={"deployer": "envoy does not answer"}, away={"monitor"}, letters={"tracking": [LETTER]})
    with running_flock(flock):
        address = f"http://127.0.0.1:{_free_port()}"
        console = RunningConsole(address, story, flock, file)
        console.tell_more(0)
        environment = {
            **os.environ,
            "MURMUR_SERVICE_PORT": address.rpartition(":")[2],
            "MURMUR_FRONT_DOOR": flock.address,
            "MURMUR_CONSOLE_POLL_SECONDS": "0.2",
            **environs,
        }
        log = (directory / "console.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "murmur_console", "--story", str(file)], env=environment, stdout=log, stderr=log
        )
        try:
            _wait_until_ready(address, process, directory / "console.log")
            yield console
        finally:
            process.terminate()
            process.wait(timeout=15)
            log.close()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _wait_until_ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 40
    while True:
        try:
            with urllib.request.urlopen(f"{address}/readyz", timeout=2):
                return
        except (urllib.error.URLError, OSError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the console did not become ready: {log.read_text()[-3000:]}") from error
            time.sleep(0.05)
