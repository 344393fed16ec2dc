"""The composition root: the only place that knows which parts the monitor is made of."""

from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from murmur_kernel import letters
from murmur_kernel.bus import Sink, Source
from murmur_kernel.service import Service
from murmur_kernel.store import Store
from murmur_monitor import api, findings, views
from murmur_monitor.closing import CloseScan
from murmur_monitor.consumers import SUBSCRIPTIONS
from murmur_monitor.detection import detector_for
from murmur_monitor.findings import WindowClosed
from murmur_monitor.intake import Intake
from murmur_monitor.references import ArtifactReferences
from murmur_monitor.repository import KINDS, MonitorUnitOfWork
from murmur_monitor.settings import Settings
from murmur_monitor.streams import PredictionStream


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as it runs: SQLite and Kafka, as the settings say."""
    _, app = build(settings or Settings())
    return app


def build(
    settings: Settings, *, store: Store | None = None, sink: Sink | None = None, source: Source | None = None
) -> tuple[Service[MonitorUnitOfWork], FastAPI]:
    """The service over any store and any bus: tests pass the fakes. Predictions always come from Kafka."""
    service = Service(
        "monitor",
        settings,
        unit_of_work=MonitorUnitOfWork,
        kinds=KINDS,
        subscriptions=SUBSCRIPTIONS,
        store=store,
        sink=sink,
        source=source,
    )
    intake = Intake(
        partial(service.read, views.calendar_of),
        service.clock,
        sample_rows=settings.window_sample_rows,
        late=timedelta(seconds=settings.window_late_seconds),
        clock_skew=timedelta(seconds=settings.clock_skew_seconds),
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

    async def folds() -> tuple[bool, str]:
        return (True, "another replica folds") if service.follows("stream") else await stream.check()

    # A window spans all partitions: whoever had only some of them would close it with some of its rows.
    service.background("stream", stream.run, exclusive=True)
    service.background("close-scan", scan.run)
    service.check("stream", folds)
    return service, service.app(title="Monitor", routers=[api.router(service)])
