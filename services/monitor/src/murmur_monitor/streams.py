"""Folds `prediction.logged` into windows with Faust; it folds, nothing else.

Exactness rests on four things: a record is acknowledged after the broker has its folds (nothing is lost), every fold
holds the last offset folded into it (nothing counts twice), a fold's key names the partition that feeds it, and a gap
in the offsets ends the process instead of being folded over. The table itself holds which record stands next, so that
a table restored in part and records thrown away before the first one are gaps too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import faust
import structlog
from faust.contrib.asgi import faust_app_running
from mode.utils.queues import FlowControlEvent

from murmur_access import BrokerAccess
from murmur_access.broker import MECHANISM
from murmur_events import topic_of
from murmur_events.serving import PredictionLogged
from murmur_kernel.backoff import Backoff
from murmur_kernel.consuming import Dead
from murmur_kernel.errors import Transient
from murmur_kernel.store import RawRecord
from murmur_monitor.codec import decode_key, encode_key, encode_place, is_place
from murmur_monitor.domain.windows import Millis
from murmur_monitor.intake import Intake
from murmur_monitor.ports import FoldKey
from murmur_monitor.settings import Settings

TOPIC = topic_of(PredictionLogged)
GROUP = "murmur-monitor-stream"
_CHANGELOG_SEGMENT = 32 * 2**20
"""A fold is written anew with every batch: small segments are compacted soon, so that a restart reads little."""

Bury = Callable[[RawRecord, Dead], Awaitable[None]]

log = structlog.get_logger()


class StreamCrashed(RuntimeError):
    """Faust gave up. The process ends, and its successor goes on from the committed offsets."""


class RecordsMissing(RuntimeError):
    """Faust handed on a record and not those before it; the next process reads them from the broker again."""

    def __init__(self, partition: int, expected: int, found: int) -> None:
        super().__init__(
            f"partition {partition} of {TOPIC.name}: expected offset {expected}, found {found}. If the next process"
            f" says so too, the folds of what lies between are lost: set the offset of the group {GROUP} to {expected}"
        )


class KeepingFlow(FlowControlEvent):
    """Faust's flow control, but resuming throws nothing away.

    After restoring its tables Faust 0.15 lets records into the agents' queues, then resumes the flow, and mode's own
    `resume` empties the queues: with a backlog at a restart those records are never folded. A rebalance still empties
    them, as it must, by `clear`.
    """

    def resume(self) -> None:
        self._suspend.clear()
        self._resume.set()


class PredictionStream:
    """Runs the Faust app on the service's event loop, and shows the windows that it holds."""

    def __init__(self, settings: Settings, intake: Intake, bury: Bury) -> None:
        self._settings = settings
        self._intake = intake
        self._bury = bury
        self._app: Any = None
        self._table: Any = None
        self._done: dict[int, int] = {}
        self._reached: dict[int, Millis] = {}

    async def run(self) -> None:
        """Until cancelled. Raises Transient while the broker is away at the start, StreamCrashed later."""
        await _reachable(self._settings.brokers)
        app = self._build()
        async with faust_app_running(app):
            log.info("stream_started", topic=TOPIC.name)
            await app.wait_until_stopped()
        raise StreamCrashed(f"Faust ended by itself: {app.crash_reason!r}")

    async def check(self) -> tuple[bool, str]:
        """For readiness: after a crash the web server would go on answering as if nothing had happened."""
        app = self._app
        if app is None:
            return False, "not started yet"
        if app.crashed or app.should_stop:
            return False, f"crashed: {app.crash_reason!r}"
        if not self._assigned():
            return False, "has no partitions yet"
        return True, f"folds {len(self._assigned())} partitions"

    def states(self) -> Mapping[FoldKey, bytes]:
        """All folds, encoded; a fold that has changed is another object."""
        return {} if self._table is None else {decode_key(key): value for key, value in self._folds().items()}

    def forget(self, keys: Iterable[FoldKey]) -> None:
        """Let go of these for good: a tombstone each, so that they do not come back with the next restart."""
        for key in keys:
            name = encode_key(key)
            self._table.send_changelog(key.partition, name, None, value_serializer="raw")
            self._table.data.pop(name, None)

    async def time(self, now: Millis) -> Millis | None:
        """Up to when all rows have been folded: `now`, or the last record's time where there is a backlog.

        None while it is not known: no partitions yet, tables being recovered, nothing fetched yet.
        """
        assigned = self._assigned()
        if not assigned or self._app.rebalancing or self._app.in_recovery:
            return None
        reached = [await self._partition_time(place, now) for place in assigned]
        known = [time for time in reached if time is not None]
        return min(known) if len(known) == len(reached) else None

    async def _partition_time(self, place: Any, now: Millis) -> Millis | None:
        consumer = self._app.consumer
        position = self._done.get(place.partition)
        if position is None and not any(message.tp == place for message in consumer.unacked):
            position = await consumer.position(place)
        end = consumer.highwater(place)
        if end is None or position is None:
            return None
        return now if position >= end else self._reached.get(place.partition)

    def _assigned(self) -> list[Any]:
        app = self._app
        if app is None or not app.started or app.should_stop or not app.tables.recovery.completed.is_set():
            return []
        return [place for place in app.consumer.assignment() if place.topic == TOPIC.name]

    def _build(self) -> Any:
        """A new Faust app: one that has failed cannot be started again."""
        settings = self._settings
        for chatty in ("faust", "mode"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
        folder = settings.home.resolve() / "faust" / f"monitor-{settings.replica}"
        folder.mkdir(parents=True, exist_ok=True)
        app = faust.App(
            GROUP,
            broker=[f"kafka://{broker}" for broker in settings.brokers.split(",")],
            broker_credentials=_credentials(settings.broker_access),
            store="memory://",
            datadir=folder,
            autodiscover=False,
            web_enabled=False,
            topic_disable_leader=True,
            topic_partitions=TOPIC.partitions,
            topic_replication_factor=settings.changelog_replicas,
            consumer_group_instance_id=f"monitor-stream-{settings.replica}",
            consumer_auto_offset_reset="earliest",
            broker_session_timeout=10.0,
            broker_heartbeat_interval=1.0,
            broker_commit_interval=1.0,
            producer_acks=-1,
        )
        app.flow_control = KeepingFlow()
        self._table = app.Table(
            "windows",
            key_type=bytes,
            value_type=bytes,
            partitions=TOPIC.partitions,
            extra_topic_configs={
                "cleanup.policy": "compact",
                "segment.bytes": str(_CHANGELOG_SEGMENT),
                "min.cleanable.dirty.ratio": "0.2",
            },
        )
        topic = app.topic(
            TOPIC.name,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            allow_empty=True,
        )
        app.agent(topic, name="fold")(self._fold)
        self._done, self._reached = {}, {}
        self._app = app
        return app

    async def _fold(self, stream: Any) -> None:
        async for event in stream.events():
            message = event.message
            expected = await self._next(message)
            if message.offset < expected:  # read before Faust sought the committed offset, and after it once more
                continue
            if message.offset > expected:
                missing = RecordsMissing(message.partition, expected, message.offset)
                await self._app.crash(missing)
                raise missing
            changed = await self._take(_record(message))
            changed[encode_place(message.partition)] = str(message.offset + 1).encode()
            self._table.data.update(changed)
            await self._write_surely(message.partition, changed)
            self._done[message.partition] = message.offset + 1
            self._reached[message.partition] = int(message.timestamp * 1000)

    async def _next(self, message: Any) -> int:
        """The offset that stands next. At the start any up to what the table says: its folds skip what is old."""
        if (known := self._done.get(message.partition)) is not None:
            return known
        oldest: int = (await self._app.consumer.earliest_offsets(message.tp))[message.tp]
        noted = self._table.data.get(encode_place(message.partition))
        if noted is None and any(key.partition == message.partition for key in self.states()):
            return int(message.offset)  # an earlier release folded, which noted no places
        return min(int(message.offset), max(oldest, int(noted or 0)))

    def _folds(self) -> dict[bytes, bytes]:
        return {key: value for key, value in self._table.data.items() if not is_place(key)}

    async def _take(self, record: RawRecord) -> dict[bytes, bytes]:
        """The folds that change; what cannot be folded is buried: an agent that raises would drop it silently."""
        try:
            return await self._intake.take(record, self._folds())
        except Exception as error:  # whatever is wrong with one record, the others must go on
            log.exception("record_not_folded", partition=record.partition, offset=record.offset)
            await self._bury_surely(record, Dead(type(error).__name__, str(error) or repr(error)))
            return {}

    async def _write_surely(self, partition: int, entries: Mapping[bytes, bytes]) -> None:
        """Until the broker has them. Assigning to the table would not do: Faust commits the offset a tenth of a second
        later even if a busy machine has not sent the change by then, and whoever is killed in between loses rows.
        """
        backoff = Backoff()
        while True:
            sent = [self._table.send_changelog(partition, key, value) for key, value in entries.items()]
            outcomes = await asyncio.gather(*sent, return_exceptions=True)
            failed = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
            if not failed:
                return
            log.warning("changelog_unavailable", error=repr(failed[0]))
            await asyncio.sleep(backoff.next())

    async def _bury_surely(self, record: RawRecord, dead: Dead) -> None:
        backoff = Backoff()
        while True:
            try:
                return await self._bury(record, dead)
            except Transient as error:
                log.warning("store_unavailable", error=str(error))
                await asyncio.sleep(backoff.next())


def _record(message: Any) -> RawRecord:
    headers = message.headers.items() if isinstance(message.headers, dict) else message.headers or ()
    return RawRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=(message.key or b"").decode("utf-8", errors="replace"),
        value=message.value or b"",
        headers=tuple((name, value or b"") for name, value in headers),
    )


def _credentials(access: BrokerAccess) -> Any:
    """The broker's access in Faust's words; None where the broker asks nobody."""
    tls = access.tls() if access.protocol.encrypts else None
    if access.protocol.asks_who:
        return faust.SASLCredentials(
            username=access.user, password=access.secret(), mechanism=MECHANISM, ssl_context=tls
        )
    return faust.SSLCredentials(context=tls) if tls else None


async def _reachable(brokers: str) -> None:
    """Faust ends its process where nobody answers at the start; so it is asked before. Raises Transient."""
    failures: list[Exception] = []
    for broker in brokers.split(","):
        host, _, port = broker.rpartition(":")
        try:
            async with asyncio.timeout(5):
                _, writer = await asyncio.open_connection(host, int(port))
        except (OSError, TimeoutError) as error:
            failures.append(error)
        else:
            writer.close()
            return
    raise Transient(f"no broker of {brokers} answers: {failures!r}") from failures[-1]
