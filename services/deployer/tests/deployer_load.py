"""Clients that never pause, for tests with a real front door."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import httpx

_CLIENTS = 8


@dataclass
class Load:
    """What they were answered. ids: of the requests that each version answered."""

    answered: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    ids: list[tuple[str, str]] = field(default_factory=list)


@asynccontextmanager
async def load(url: str, deployment: str = "credit", *, clients: int = _CLIENTS) -> AsyncIterator[Load]:
    """Clients that ask for predictions one after the other for as long as the block lasts."""
    seen, numbers = Load(), count()
    ended = asyncio.Event()
    body = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [0.5, -0.5]}]}

    async def client() -> None:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            while not ended.is_set():
                request = f"{deployment}-{next(numbers)}"
                try:
                    answer = await http.post(f"{url}/v2/models/{deployment}/infer", json=body | {"id": request})
                except httpx.TransportError as error:
                    seen.failed.append(repr(error))
                    continue
                if answer.status_code == 200:
                    version = answer.json()["model_version"]
                    seen.answered[version] += 1
                    seen.ids.append((request, version))
                else:
                    seen.failed.append(f"{answer.status_code} {answer.text}")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(clients):
            tasks.create_task(client())
        try:
            yield seen
        finally:
            ended.set()
