"""One record of `prediction.logged` into the table of windows: what streams.py does with each, free of Faust."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import structlog
from prometheus_client import Counter

from murmur_events import from_record
from murmur_events.serving import PredictionLogged
from murmur_kernel.backoff import Backoff
from murmur_kernel.clock import Clock
from murmur_kernel.errors import Transient
from murmur_kernel.store import RawRecord
from murmur_monitor.batches import batch_of
from murmur_monitor.codec import decode, decode_key, encode, encode_key
from murmur_monitor.domain.folding import Batch, Fold
from murmur_monitor.domain.windows import Calendar, Millis, Window, as_millis
from murmur_monitor.ports import Calendars, FoldKey

_ASK_AGAIN = 0.2

log = structlog.get_logger()
too_late = Counter("murmur_monitor_rows_too_late", "Predictions of windows that were let go of already", ["deployment"])


class UnknownDeployment(LookupError):
    """Nobody announced the deployment whose predictions these are."""

    def __init__(self, deployment: str, seconds: float) -> None:
        super().__init__(
            f"no model.deployed of {deployment!r} was handled within {seconds:g} s: look whether the deployer runs,"
            f" and whether this model server belongs to the same flock"
        )


class Intake:
    """Folds records, in the order of their partitions."""

    def __init__(
        self,
        calendars: Calendars,
        clock: Clock,
        *,
        sample_rows: int,
        late: timedelta,
        clock_skew: timedelta,
        patience: timedelta,
    ) -> None:
        self._calendars = calendars
        self._clock = clock
        self._sample_rows = sample_rows
        self._late = round(late.total_seconds() * 1000)
        self._clock_skew = clock_skew
        self._patience = patience.total_seconds()
        self._strangers: set[str] = set()

    async def take(self, record: RawRecord, table: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """The entries of the table that change; none for a record that was folded before.

        Waits while the store is away, and a while for a deployment that is not announced yet. Raises what makes a
        record a dead letter: ContractError, NotFoldable, UnknownDeployment, ColumnsDiffer.
        """
        event = from_record(record.topic, record.value, record.headers).event
        assert isinstance(event, PredictionLogged)
        batch = batch_of(event, record.offset, latest=as_millis(self._clock.now() + self._clock_skew))
        calendar = await self._calendar(event.deployment)
        return self._folded(batch, event, record.partition, calendar, table)

    def expired(self, keys: Iterable[FoldKey]) -> set[FoldKey]:
        """Those too far behind the newest window of their deployment and partition for a late row to count."""
        newest: dict[tuple[int, str], Millis] = {}
        keys = list(keys)
        for key in keys:
            place = (key.partition, key.deployment)
            newest[place] = max(newest.get(place, 0), key.window.start)
        return {key for key in keys if key.window.end + self._late < newest[key.partition, key.deployment]}

    def _folded(
        self,
        batch: Batch,
        event: PredictionLogged,
        partition: int,
        calendar: Calendar,
        table: Mapping[bytes, bytes],
    ) -> dict[bytes, bytes]:
        windows = _of_live_rows(batch, calendar)
        keys = {FoldKey(partition, event.deployment, event.version, window): window for window in windows}
        expired = self.expired({*map(decode_key, table), *keys})
        changed: dict[bytes, bytes] = {}
        for key, window in keys.items():
            name = encode_key(key)
            if name not in table and key in expired:
                self._tell_too_late(event, window, len(windows[window]))
                continue
            known = decode(table[name]) if name in table else Fold(event.model)
            fold = known.folded(batch, windows[window], sample_rows=self._sample_rows)
            if fold is not known:
                changed[name] = encode(fold)
        return changed

    def _tell_too_late(self, event: PredictionLogged, window: Window, rows: int) -> None:
        too_late.labels(event.deployment).inc(rows)
        log.warning(
            "rows_too_late",
            deployment=event.deployment,
            replica=event.replica,
            rows=rows,
            window_end=window.ends_at.isoformat(),
        )

    async def _calendar(self, deployment: str) -> Calendar:
        """Predictions may come before the news that their deployment exists. A stranger is waited for only once."""
        loop = asyncio.get_running_loop()
        until = loop.time() + (0 if deployment in self._strangers else self._patience)
        while (calendar := await self._ask(deployment)) is None:
            if loop.time() >= until:
                self._strangers.add(deployment)
                raise UnknownDeployment(deployment, self._patience)
            await asyncio.sleep(_ASK_AGAIN)
        self._strangers.discard(deployment)
        return calendar

    async def _ask(self, deployment: str) -> Calendar | None:
        backoff = Backoff()
        while True:
            try:
                return await self._calendars(deployment)
            except Transient as error:
                log.warning("store_unavailable", error=str(error))
                await asyncio.sleep(backoff.next())


def _of_live_rows(batch: Batch, calendar: Calendar) -> dict[Window, npt.NDArray[np.intp]]:
    """For each window, the positions of the rows that are folded into it.

    A batch scores yesterday's rows, or all there are: its rows would drift, and make a window's rate and latency those
    of a machine's work, so that nothing could be told of the people who ask now.
    """
    split = calendar.split(batch.times).items()
    live = {window: positions[batch.live[positions]] for window, positions in split}
    return {window: positions for window, positions in live.items() if len(positions)}
