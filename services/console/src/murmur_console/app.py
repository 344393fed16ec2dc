"""The composition root of the console."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from fastapi import FastAPI
from nicegui import ui

from murmur_access import TokenFile
from murmur_console import downloads, health, pages, theme
from murmur_console.clients import FrontDoor
from murmur_console.context import Console
from murmur_console.feed import Feed, KafkaFeed
from murmur_console.memory import Memory
from murmur_console.roster import Roster
from murmur_console.settings import Settings
from murmur_console.signing import Sessions, SignedInOnly
from murmur_console.signing import pages as signing_pages
from murmur_kernel.clock import SystemClock
from murmur_kernel.tasks import WatchedTasks

log = structlog.get_logger()


def create_app(settings: Settings | None = None, *, feed: Feed | None = None) -> FastAPI:
    """One a process: NiceGUI keeps its pages in the process. Without `feed`, events come from Kafka."""
    settings = settings or Settings()
    told_by = feed or KafkaFeed(settings.broker_access)
    memory = Memory(capacity=settings.console_events)
    tokens = settings.tokens_file
    clock = SystemClock()
    sessions = Sessions(TokenFile(tokens, now=clock.now) if tokens else None, clock)
    door = FrontDoor(settings.front_door, token=sessions.token, trusted=settings.tls_ca)
    roster = Roster(door, every=settings.console_poll_seconds)
    tasks = WatchedTasks(_end)

    async def hear() -> None:
        await told_by.run(memory)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(door.close)
            stack.push_async_callback(tasks.stop)
            tasks.start("feed", hear)
            tasks.start("roster", roster.run)
            log.info("service started", events=type(told_by).__name__)
            yield
            log.info("service stopping")

    app = FastAPI(title="Murmuration: Console", version="1", lifespan=lifespan, redoc_url=None)
    app.include_router(health.router(memory, tasks))
    app.include_router(signing_pages.router(sessions, door))
    app.include_router(downloads.router(sessions, door))
    app.add_middleware(SignedInOnly, sessions=sessions)
    theme.install()
    pages.register(Console(memory=memory, roster=roster, door=door, source=told_by.source, sessions=sessions))
    ui.run_with(app, title="Murmuration", dark=None, language="en-GB", tailwind=False, show_welcome_message=False)
    return app


def _end(task: str) -> None:
    """End the process in good order; should that hang, at once."""
    log.critical("ending because a task died", task=task)
    asyncio.get_running_loop().call_later(15, os._exit, 70)
    signal.raise_signal(signal.SIGTERM)
