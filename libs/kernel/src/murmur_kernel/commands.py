"""REST calls as units of work: the same handlers as events, tried again on conflicts, answered once per key."""

import uuid
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter

from murmur_kernel.auth.identity import caller
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Conflict, Duplicate, ReadOnly
from murmur_kernel.forgetting import forget_call_at
from murmur_kernel.store import Store
from murmur_kernel.telemetry.tracing import OFF, Tracing, current_traceparent, link_to
from murmur_kernel.unit_of_work import Origin, UnitOfWork

U = TypeVar("U", bound=UnitOfWork)
C = TypeVar("C")
R = TypeVar("R")

idempotency_key: ContextVar[str | None] = ContextVar("idempotency_key", default=None)
"""The Idempotency-Key of the call being answered; the web layer sets it."""

operation: ContextVar[str] = ContextVar("operation", default="")
"""Method and path of the call being answered: the same key to another operation is another call."""

_TRIES = 5
_adapters: dict[object, TypeAdapter[Any]] = {}


class Commands(Generic[U]):
    """Runs commands and queries against one store."""

    def __init__(
        self,
        service: str,
        store: Store,
        clock: Clock,
        unit_of_work: Callable[[Store, Origin], U],
        tracing: Tracing = OFF,
    ) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._unit_of_work = unit_of_work
        self._tracing = tracing

    async def change(
        self, handler: Callable[[C, U], Awaitable[R]], command: C, *, answer: type[R], key: str | None = None
    ) -> R:
        """What the handler returns, once all that it did is committed.

        With a key (given, or the call's Idempotency-Key) a repetition changes nothing and gets the same answer. A key
        is the caller's own, and of one operation: the same one from somebody else, or elsewhere, is another call.
        Raises what the handler raises, and Conflict when others keep changing the same documents.
        """
        named = key or _key_of_the_call()
        origin_id = f"call/{caller.get().scoped(named) if named else uuid.uuid4()}"
        for attempt in range(1, _TRIES + 1):
            if named and (before := await self._store.answer(origin_id)) is not None:
                return _adapter(answer).validate_json(before)
            unit = self._unit(origin_id, mark=origin_id if named else None)
            result = await handler(command, unit)
            if named:
                unit.remember_answer(origin_id, _adapter(answer).dump_json(result).decode())
            try:
                await unit.commit()
            except Duplicate:
                continue
            except Conflict:
                if attempt == _TRIES:
                    raise
                continue
            link_to([envelope.traceparent for envelope in unit.said])
            return result
        raise Duplicate(origin_id)

    async def read(self, handler: Callable[[C, U], Awaitable[R]], query: C) -> R:
        """What the handler returns. Raises ReadOnly at any change, PublishingForbidden at a publish."""
        unit = self._unit("query", mark=None, may_publish=False)
        result = await handler(query, unit)
        if unit.change.says_anything:
            raise ReadOnly(getattr(handler, "__name__", "query"))
        return result

    def _unit(self, origin_id: str, *, mark: str | None, may_publish: bool = True) -> U:
        now = self._clock.now()
        origin = Origin(
            id=origin_id,
            source=self._service,
            now=now,
            mark=mark,
            forget_at=forget_call_at(now) if mark else None,
            may_publish=may_publish,
            traceparent=current_traceparent(),
            tracing=self._tracing,
        )
        return self._unit_of_work(self._store, origin)


def _adapter(answer: type[R]) -> TypeAdapter[R]:
    """One a type: to make it costs more than most calls."""
    return _adapters.get(answer) or _adapters.setdefault(answer, TypeAdapter(answer))


def _key_of_the_call() -> str | None:
    key = idempotency_key.get()
    return f"{operation.get()} {key}" if key else None


class Done(BaseModel):
    """The answer of a command that has nothing to tell."""

    ok: bool = True
