"""Which topics each service hears, read from its own table."""

import importlib
from collections.abc import Awaitable, Callable
from typing import Any

from murmur_kernel.consuming import Subscription
from murmur_kernel.unit_of_work import UnitOfWork
from murmur_monitor import joining, streams

Table = tuple[Subscription[UnitOfWork], ...]


class AnyHandlers:
    """Has whatever handler a table asks for: here only the table is read, nothing is handled."""

    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def handler(*_: object) -> None:
            raise AssertionError(f"{name} was called, though nothing is handled here")

        return handler


def table_of(service: str) -> Table:
    consumers: Any = importlib.import_module(f"murmur_{service}.consumers")
    found = consumers.SUBSCRIPTIONS if hasattr(consumers, "SUBSCRIPTIONS") else consumers.subscriptions(AnyHandlers())
    return tuple(found)


def heard_by(service: str) -> set[str]:
    """Topics of the service's table; for the monitor also what it folds and joins, not handled event by event."""
    folded = {streams.TOPIC.name, *joining.TOPICS} if service == "monitor" else set()
    return {subscription.topic for subscription in table_of(service)} | folded
