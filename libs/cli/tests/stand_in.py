"""A front door that a test answers itself, on a real socket, where the command line finds it."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI

from murmur_kernel.testing import eventually


@contextmanager
def answering(app: FastAPI, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    asyncio.run(eventually(lambda: server.started))
    monkeypatch.setenv("MURMUR_HOME", str(home))
    monkeypatch.setenv("MURMUR_PORT", str(port))
    yield
    server.should_exit = True
    thread.join()
