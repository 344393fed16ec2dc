"""The composition root: the only place that knows which parts the monitor is made of."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from murmur_access.rules import LABELS_GROUP
from murmur_kernel import letters
from murmur_kernel.bus import Reader, Sink, Source
from murmur_kernel.bus.kafka import KafkaReader, KafkaSource
from murmur_kernel.service import Service
from murmur_kernel.store import Store
from murmur_monitor import api, findings, joining, quality_findings, views
from murmur_monitor.closing import CloseScan
from murmur_monitor.consumers import subscriptions
from murmur_monitor.detection import detector_for
from murmur_monitor.domain.labels import NotUsable
from murmur_monitor.findings import WindowClosed
from murmur_monitor.handlers import Workflows
from murmur_monitor.intake import Intake
from murmur_monitor.joining.book import LabelBook
from murmur_monitor.joining.following import LabelFollower
from murmur_monitor.joining.measuring import QualityScan
from murmur_monitor.looking_up import LookUp, NoSuchPrediction
from murmur_monitor.quality_findings import WindowLabelled
from murmur_monitor.references import ArtifactReferences
from murmur_monitor.repository import KINDS, MonitorUnitOfWork
from murmur_monitor.settings import Settings
from murmur_monitor.streams import PredictionStream


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: SQLite and Kafka, as the settings say."""
    _, app = build(settings or Settings())
    return app


def build(
    settings: Settings,
    *,
    store: Store | None = None,
    sink: Sink | None = None,
    source: Source | None = None,
    labels: Callable[[], Source] | None = None,
    reader: Reader | None = None,
) -> tuple[Service[MonitorUnitOfWork], FastAPI]:
    """The service over any store and any bus: tests pass the fakes. Windows are always folded from Kafka.

    labels: where predictions and feedback are read to be joined. reader: where single predictions are looked up.
    """
    clock_skew = timedelta(seconds=settings.clock_skew_seconds)
    service = Service(
        "monitor",
        settings,
        unit_of_work=MonitorUnitOfWork,
        kinds=KINDS,
        subscriptions=subscriptions(Workflows(clock_skew)),
        store=store,
        sink=sink,
        source=source,
    )
    intake = Intake(
        partial(service.read, views.calendar_of),
        service.clock,
        sample_rows=settings.window_sample_rows,
        late=timedelta(seconds=settings.window_late_seconds),
        clock_skew=clock_skew,
        patience=timedelta(seconds=settings.announce_seconds),
    )
    stream = PredictionStream(settings, intake, partial(letters.bury, service.dispatcher))

    async def record(finding: WindowClosed) -> int:
        return await service.change(findings.record_window, finding, answer=int, key=finding.id)

    scan = CloseScan(
        stream,
        partial(service.read, views.terms_of),
        record,
        ArtifactReferences(service.artifacts),
        detector_for,
        intake.expired,
        service.clock,
        grace=timedelta(seconds=settings.window_grace_seconds),
        announce=timedelta(seconds=settings.announce_seconds),
        every=timedelta(seconds=settings.window_scan_seconds),
        sample_rows=settings.window_sample_rows,
    )

    book = LabelBook(settings.label_book, skew=round(settings.clock_skew_seconds * 1000))
    follower = _follower(settings, service, book, labels)

    async def folds() -> tuple[bool, str]:
        return (True, "another replica folds") if service.follows("stream") else await stream.check()

    async def joins() -> tuple[bool, str]:
        return (True, "another replica joins") if service.follows("labels") else await follower.check()

    # A window spans all partitions: whoever had only some of them would close it with some of its rows.
    service.background("stream", stream.run, exclusive=True)
    service.background("close-scan", scan.run)
    service.check("stream", folds)
    service.resource(_closing(book))
    service.background("labels", follower.run, exclusive=True)
    service.check("labels", joins)
    look_up = LookUp(service, book.find, reader or KafkaReader(settings.broker_access, f"monitor-{settings.replica}"))
    routers = [api.router(service, book.counts, look_up.look_up, clock_skew)]
    problems = {NotUsable: 422, NoSuchPrediction: 404}
    return service, service.app(title="Monitor", routers=routers, problems=problems)


def _follower(
    settings: Settings, service: Service[MonitorUnitOfWork], book: LabelBook, source: Callable[[], Source] | None
) -> LabelFollower:
    """What joins labels to predictions and measures the windows that they touch."""

    async def record(finding: WindowLabelled) -> int:
        return await service.change(quality_findings.record_quality, finding, answer=int)

    def kafka() -> Source:
        instance = f"monitor-labels-{settings.replica}"
        return KafkaSource(settings.broker_access, LABELS_GROUP, joining.TOPICS, instance=instance)

    scan = QualityScan(
        book,
        partial(service.read, views.watched),
        partial(service.read, views.is_recorded),
        record,
        service.clock,
        grace=timedelta(seconds=settings.window_grace_seconds),
        forget_every=timedelta(minutes=1),
        most_rows=settings.label_rows,
    )
    return LabelFollower(
        source or kafka,
        book,
        scan,
        partial(service.read, views.label_delay_of),
        partial(letters.bury, service.dispatcher),
        service.clock,
        clock_skew=timedelta(seconds=settings.clock_skew_seconds),
        every=timedelta(seconds=settings.quality_seconds),
    )


@asynccontextmanager
async def _closing(book: LabelBook) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await book.close()
