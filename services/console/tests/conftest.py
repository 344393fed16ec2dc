"""What tests of the console stand on: the credit story, and a real console process in a real browser."""

import os
import shutil
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
from typing import TYPE_CHECKING

import pytest
from console_flock import LETTER, StubFlock, running_flock
from console_story import Teller, credit_story

from murmur_console.domain.chains import Chain
from murmur_console.memory import Memory
from murmur_console.story_file import line_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def story() -> Teller:
    return credit_story(NOON)


@pytest.fixture
def memory(story: Teller) -> Memory:
    memory = Memory()
    for envelope in story.told:
        memory.hear(envelope)
    return memory


@pytest.fixture
def drifted(memory: Memory) -> Chain:
    """The newest chain: drift, a retrained version, a review that is still open."""
    return memory.story.chains("credit")[0]


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
def running_console(directory: Path) -> Iterator[RunningConsole]:
    story = credit_story(datetime.now(UTC))
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


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    with running_console(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: `apt-get install chromium` to run the browser tests")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: "Browser", console: RunningConsole) -> Iterator["BrowserContext"]:
    """At each test's end: nothing was fetched from elsewhere, and no script has failed."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=console.address)
    context.set_default_timeout(8_000)
    faults: list[str] = []

    def watch(page: "Page") -> None:
        page.on("pageerror", lambda error: faults.append(f"script failed: {error}"))
        page.on("request", lambda one: None if one.url.startswith((*_OWN, console.address)) else faults.append(one.url))

    context.on("page", watch)
    yield context
    context.close()
    assert faults == []


_OWN = ("data:", "blob:")


@pytest.fixture
def page(context: "BrowserContext") -> "Page":
    return context.new_page()


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
