"""One call at this door: its fields, who makes it and why, and the registry's handlers behind it."""

from asyncio import Lock
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from fastapi import Request

from murmur_kernel.auth import caller
from murmur_kernel.service import Service
from murmur_registry.callers import roles_of
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import Via
from murmur_registry.mlflow_api.requests import Fields, read_fields
from murmur_registry.pointing import UNSAID, Pointing
from murmur_registry.repository import RegistryUnitOfWork

C = TypeVar("C")
R = TypeVar("R")
Json = dict[str, Any]

NOBODY_NAMED = "an MLflow client"
"""Who is written down where the flock asks nobody for a token."""


@dataclass(frozen=True)
class Call:
    fields: Fields
    because: Because


async def call_of(request: Request) -> Call:
    """Raises Invalid."""
    fields = await read_fields(request)
    because = Because(
        caller.get().signs_as(None, otherwise=NOBODY_NAMED),
        request.headers.get("x-murmur-reason") or UNSAID,
        Via.MLFLOW,
        roles_of(caller.get()),
    )
    return Call(fields, because)


@dataclass(frozen=True)
class Desk:
    """Runs commands and queries. Of those that change one model, one at a time: clients often register many versions of
    one at once, and none of them need meet a conflict in this process."""

    service: Service[RegistryUnitOfWork]
    pointing: Pointing
    _turns: WeakValueDictionary[str, Lock] = field(default_factory=WeakValueDictionary)

    async def change(
        self,
        model: str,
        handler: Callable[[C, RegistryUnitOfWork], Awaitable[R]],
        command: C,
        answer: Callable[[R], Json] = lambda _: {},
    ) -> Json:
        """The answer to what the handler returns, once it is committed. `model` is the key."""

        async def handle(asked: C, uow: RegistryUnitOfWork) -> Json:
            return answer(await handler(asked, uow))

        turn = self._turns.setdefault(model, Lock())
        async with turn:
            return await self.service.change(handle, command, answer=dict)

    async def read(self, handler: Callable[[C, RegistryUnitOfWork], Awaitable[R]], query: C) -> R:
        return await self.service.read(handler, query)
