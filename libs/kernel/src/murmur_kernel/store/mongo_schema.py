"""Brings a MongoDB store up to date, once, however many replicas start together."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from murmur_kernel.clock import Clock
from murmur_kernel.errors import StoreUnavailable
from murmur_kernel.store.index import MongoIndex
from murmur_kernel.store.mongo_engine import MongoEngine

log = structlog.get_logger()

Migration = Callable[[MongoEngine], Awaitable[None]]

_LEASE_SECONDS = 60
_WAIT_SECONDS = 120


async def _first(engine: MongoEngine) -> None:
    """Collections and indexes, as the SQLite store's schema.sql has tables."""
    await engine.create(_COLLECTIONS)
    await engine.index("documents", [("kind", 1), ("number", 1)])
    await engine.index("jobs", [("kind", 1), ("state", 1), ("due", 1)])
    await engine.index("jobs", [("owner", 1)])
    await engine.index("parked", [("topic", 1), ("key", 1), ("number", 1)])
    await engine.index("parked", [("number", 1)])
    await engine.index("dead_letters", [("at", 1), ("_id", 1)])
    await engine.index("dead_letters", [("topic", 1), ("partition", 1), ("place", 1), ("_id", 1)])
    await engine.index("inbox", [("forget_at", 1)])


_COLLECTIONS = (
    "documents",
    "inbox",
    "answers",
    "outbox",
    "counters",
    "jobs",
    "leases",
    "parked",
    "dead_letters",
    "committers",
)

MIGRATIONS: tuple[Migration, ...] = (_first,)
"""Append only. Each may run twice, since whoever runs it may be killed in the middle; and beside replicas of the
release before, while a flock is updated one by one."""


async def migrate(engine: MongoEngine, clock: Clock, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Returns when the schema is this release's. Raises StoreUnavailable when it is a newer one's, or another replica
    that holds the lease never ends."""
    await engine.create(["schema"])
    owner = uuid.uuid4().hex
    for _ in range(_WAIT_SECONDS * 10):
        done = await _done(engine)
        if done > len(migrations):
            raise StoreUnavailable(
                f"{engine.address} has schema {done}, this release knows {len(migrations)}: use the newer release"
            )
        if done == len(migrations):
            return
        if await _lease(engine, owner, clock):
            await _run(engine, owner, clock, migrations)
        else:
            await asyncio.sleep(0.1)
    raise StoreUnavailable(f"another replica has been migrating {engine.address} for more than {_WAIT_SECONDS} s")


async def _run(engine: MongoEngine, owner: str, clock: Clock, migrations: Sequence[Migration]) -> None:
    done = await _done(engine)
    for number, step in enumerate(migrations[done:], start=done + 1):
        await step(engine)
        if not await engine.update("schema", {"_id": "lease", "owner": owner}, {"$set": {"until": _until(clock)}}):
            return  # it took longer than the lease: whoever has it now does the step again
        await engine.update("schema", {"_id": "schema"}, {"$max": {"version": number}}, upsert=True)
        log.info("store migrated", store=engine.address, schema=number)
    await engine.update("schema", {"_id": "lease", "owner": owner}, {"$set": {"until": 0.0}})


async def _done(engine: MongoEngine) -> int:
    schema = await engine.one("schema", {"_id": "schema"})
    return int(schema["version"]) if schema else 0


async def _lease(engine: MongoEngine, owner: str, clock: Clock) -> bool:
    free = {"_id": "lease", "until": {"$lte": clock.now().timestamp()}}
    return await engine.update("schema", free, {"$set": {"owner": owner, "until": _until(clock)}}, upsert=True)


def _until(clock: Clock) -> float:
    return clock.now().timestamp() + _LEASE_SECONDS


async def index(engine: MongoEngine, indexes: Mapping[str, Sequence[str]]) -> None:
    """The indexes by which documents are found; one a field, for all kinds that have it."""
    for name in dict.fromkeys(field for fields in indexes.values() for field in fields):
        await engine.index("documents", [("kind", 1), (f"fields.{name}", 1), ("number", 1)])


async def index_beside(engine: MongoEngine, beside: MongoIndex) -> None:
    """The collections of a service's own search index."""
    await engine.create(tuple(beside.collections))
    for collection, orders in beside.collections.items():
        for order in orders:
            await engine.index(collection, order)
    for collection, orders in beside.optional.items():
        for order in orders:
            try:
                await engine.index(collection, order)
            except StoreUnavailable as error:
                log.warning("search is slower: the server refuses an index", collection=collection, error=str(error))
