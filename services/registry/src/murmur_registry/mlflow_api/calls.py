"""One call at this door: its fields, who makes it and why, and the registry's handlers behind it."""

from asyncio import Lock
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakValueDictionary

from murmur_kernel.auth import caller
from murmur_kernel.service import Service
from murmur_mlflow.door import Call as AnyCall
from murmur_mlflow.door import Json
from murmur_mlflow.fields import Fields
from murmur_mlflow.hearing import Hearing
from murmur_mlflow.refusals import BadValue
from murmur_registry.callers import roles_of
from murmur_registry.domain.because import Because
from murmur_registry.domain.models import Via, model_key
from murmur_registry.pointing import UNSAID, Pointing
from murmur_registry.repository import RegistryUnitOfWork

C = TypeVar("C")
R = TypeVar("R")

NOBODY_NAMED = "an MLflow client"
"""Who is written down where the flock asks nobody for a token."""


@dataclass(frozen=True)
class Call:
    """All methods raise BadValue."""

    workspace: str
    fields: Fields
    because: Because

    def model(self) -> str:
        """The key of the model that the call names."""
        return model_key(self.workspace, self.fields.required("name"))

    def version(self) -> int:
        text = self.fields.required("version")
        try:
            return int(text)
        except ValueError:
            raise BadValue(f"Parameter 'version' must be an integer, got '{text}'.") from None

    def tags(self) -> dict[str, str]:
        """Of two with one key the last counts."""
        return dict(self.fields.each("tags", lambda tag: (tag.required("key"), tag.text("value"))))


def call_of(call: AnyCall) -> Call:
    """With who calls, and why."""
    because = Because(
        caller.get().signs_as(None, otherwise=NOBODY_NAMED),
        call.headers.get("x-murmur-reason") or UNSAID,
        Via.MLFLOW,
        roles_of(caller.get()),
    )
    return Call(call.workspace, call.fields, because)


@dataclass(frozen=True)
class Desk:
    """Runs commands and queries. Of those that change one model, one at a time: clients often register many versions of
    one at once, and none of them need meet a conflict in this process."""

    service: Service[RegistryUnitOfWork]
    pointing: Pointing
    hearing: Hearing
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
