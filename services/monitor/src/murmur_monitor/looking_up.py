"""One prediction, looked up by its request id: what the label book knows of it, its window, and its row on Kafka."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from murmur_events import ContractError, from_record, topic_of
from murmur_events.serving import PredictionLogged
from murmur_kernel.bus import Reader, TopicPartition
from murmur_kernel.service import Service
from murmur_kernel.store import RawRecord
from murmur_monitor.domain.windows import Calendar, as_datetime
from murmur_monitor.joining.finding import Found
from murmur_monitor.joining.rows import RecordPlace, predictions_of
from murmur_monitor.lookup_schemas import LabelView, LoggedRow, PredictionsView, PredictionView, RecordView, WindowOf
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.views import TermsOf, Watched, measured_window, require_deployment, watched

_LOGGED = topic_of(PredictionLogged)


class NoSuchPrediction(Exception):
    """Nothing of that name is kept; the message says how long anything is."""


class LookUp:
    """find: asks the label book. reader: reads single records of prediction.logged."""

    def __init__(
        self,
        service: Service[MonitorUnitOfWork],
        find: Callable[[str, str], Awaitable[list[Found]]],
        reader: Reader,
    ) -> None:
        self._service = service
        self._find = find
        self._reader = reader

    async def look_up(self, deployment: str, request_id: str) -> PredictionsView:
        """Raises Missing for a deployment that is not watched, NoSuchPrediction, or Transient."""
        await self._service.read(require_deployment, deployment)
        terms = await self._service.read(watched, deployment)
        assert terms is not None, "a deployment that is watched has its terms"
        found = await self._find(deployment, request_id)
        if not found:
            raise NoSuchPrediction(_not_known(deployment, request_id, terms))
        records: dict[RecordPlace, RawRecord | None] = {}
        for place in {one.place.record for one in found if one.place is not None}:
            records[place] = await self._reader.read(TopicPartition(_LOGGED.name, place[0]), place[1])
        views = [await self._view(deployment, one, _row(request_id, one, records), terms.calendar) for one in found]
        return PredictionsView(deployment=deployment, request_id=request_id, predictions=views)

    async def _view(self, deployment: str, found: Found, row: LoggedRow | str, calendar: Calendar) -> PredictionView:
        window = calendar.window_of(found.time)
        measured = await self._service.read(measured_window, TermsOf(deployment, found.version, window.starts_at))
        label = found.label
        return PredictionView(
            version=found.version,
            time=as_datetime(found.time),
            output=found.output,
            label=None
            if label is None
            else LabelView(
                value=label.value, clicks=label.clicks, known=as_datetime(label.known), too_late=label.too_late
            ),
            window=WindowOf(
                start=window.starts_at,
                end=window.ends_at,
                revision=measured.revision if measured else None,
                outcome=measured.outcome.value if measured else None,
            ),
            row=row if isinstance(row, LoggedRow) else None,
            row_missing=row if isinstance(row, str) else "",
        )


def _row(request_id: str, found: Found, records: Mapping[RecordPlace, RawRecord | None]) -> LoggedRow | str:
    """The row as it was logged; or why there is none."""
    if found.place is None:
        return "it was read before this monitor kept the places of rows"
    partition, offset = found.place.record
    record = records[found.place.record]
    if record is None:
        return (
            f"its record is gone: {_LOGGED.name} keeps rows for {in_words(_LOGGED.retention)}, and what the label book"
            f" knows is kept for longer"
        )
    try:
        event = from_record(record.topic, record.value, record.headers).event
        assert isinstance(event, PredictionLogged)
        number = found.place.row_in(predictions_of(record.value, found.place.record))
        if not f"{request_id}#".startswith(f"{event.request_ids[number]}#"):
            raise ValueError("a row of another request")
    except (ContractError, ValueError, IndexError):
        return f"{_LOGGED.name}/{partition} holds another record at offset {offset} by now: the topic was made anew"
    return LoggedRow(
        features={name: values[number] for name, values in event.features.items()},
        status=event.statuses[number],
        latency_ms=event.latencies_ms[number],
        model_sha256=event.model_sha256,
        replica=event.replica,
        trace_id=event.trace_ids[number] if event.trace_ids else "",
        record=RecordView(topic=record.topic, partition=partition, offset=offset, row=number),
    )


def _not_known(deployment: str, request_id: str, terms: Watched) -> str:
    return (
        f"no answered prediction {request_id!r} of {deployment!r} is known: one that has just been answered is within"
        f" seconds, and it is kept for {in_words(terms.quality.label_delay)} (monitoring.quality.label_delay). Rows of"
        f" batches and refused requests are not looked up. A request of several rows: its id, id#1, id#2"
    )


def in_words(length: timedelta) -> str:
    """`7 days`, `36 hours`, `90 seconds`: in the largest unit that measures it whole."""
    seconds = round(length.total_seconds())
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    count = seconds // size
    return f"{count:,} {unit}" + ("" if count == 1 else "s")


_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
