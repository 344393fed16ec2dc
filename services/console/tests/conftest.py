"""What tests of the console stand on: the credit story, and a real console process in a real browser."""

import shutil
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING

import pytest
from console_events import NOON, Teller
from console_flock import StubFlock
from console_process import RunningConsole, running_console
from console_story import credit_story

from murmur_console.clients import FrontDoor
from murmur_console.domain.chains import Chain
from murmur_console.memory import Memory

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_PATIENCE_MS = 30_000
"""Costs nothing where a page is quick: a busy machine draws one in seconds, not in milliseconds."""

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


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


@pytest.fixture
async def door(flock: StubFlock) -> AsyncIterator[FrontDoor]:
    """To the flock that the test has made."""
    door = FrontDoor(flock.address)
    yield door
    await door.close()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    with running_console(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: `apt-get install chromium` to run the browser tests")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=_PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: "Browser", console: RunningConsole) -> Iterator["BrowserContext"]:
    """At each test's end: nothing was fetched from elsewhere, and no script has failed."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=console.address)
    context.set_default_timeout(_PATIENCE_MS)
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
