"""The close scan: when a window is over, what is found in it, when it is looked at again; with the real documents."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from monitor_facts import (
    ARTIFACT,
    COLUMNS,
    START,
    People,
    model_deployed,
    parquet_of,
    predictions,
    spread,
    workflow_applied,
)

from murmur_events.monitoring import AlertRaised, DriftDetected, WindowMeasured
from murmur_events.serving import PredictionLogged
from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import StoreUnavailable
from murmur_kernel.testing import Harness
from murmur_monitor.closing import CloseScan
from murmur_monitor.codec import decode_key, encode_key
from murmur_monitor.detection import detector_for
from murmur_monitor.domain.comparison import Pair
from murmur_monitor.domain.drift import ColumnTest
from murmur_monitor.domain.folding import FloatArray
from murmur_monitor.domain.windows import Millis
from murmur_monitor.findings import WindowClosed, record_window
from murmur_monitor.intake import Intake
from murmur_monitor.ports import DriftDetector, EngineMissing, EngineName, FoldKey
from murmur_monitor.references import ArtifactReferences
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.views import Terms, TermsOf, calendar_of, terms_of


class TableOfFolds:
    """A table in memory. `backlog`: how far folding is behind; None while nothing is known."""

    def __init__(self) -> None:
        self.table: dict[bytes, bytes] = {}
        self.backlog: float | None = 0.0

    def states(self) -> Mapping[FoldKey, bytes]:
        return {decode_key(key): value for key, value in self.table.items()}

    async def time(self, now: Millis) -> Millis | None:
        return None if self.backlog is None else now - round(self.backlog * 1000)

    def forget(self, keys: Iterable[FoldKey]) -> None:
        for key in keys:
            del self.table[encode_key(key)]


class Scene:
    """A monitor whose predictions and clock are in the hands of a test; rows come in segments of their own."""

    def __init__(
        self, monitor: Harness[MonitorUnitOfWork], artifacts: ArtifactStore, folds: TableOfFolds | None = None
    ) -> None:
        self.monitor = monitor
        self.artifacts = artifacts
        self.folds = folds or TableOfFolds()
        self.looked_up = 0
        self.engines: Callable[[EngineName], DriftDetector] = detector_for
        self._segment = 0
        self._intake = Intake(
            lambda name: monitor.read(calendar_of, name),
            monitor.clock,
            sample_rows=1000,
            late=timedelta(minutes=30),
            clock_skew=timedelta(days=1),
            patience=timedelta(0),
        )
        self.scan = CloseScan(
            self.folds,
            self._look_up,
            self._record,
            ArtifactReferences(artifacts),
            lambda engine: self.engines(engine),
            self._intake.expired,
            monitor.clock,
            grace=timedelta(seconds=2),
            announce=timedelta(seconds=30),
            every=timedelta(seconds=1),
            sample_rows=1000,
        )

    async def predicted(self, rows: FloatArray, *, window: int = 0, version: int = 1, partition: int = 0) -> None:
        """Rows spread over the window that starts `window` x 5 minutes after START."""
        self._segment += 1
        moments = spread(len(rows), start=START + timedelta(minutes=5 * window))
        event = predictions(rows, moments, version=version, segment=str(self._segment))
        await self.taken(event, partition)

    async def taken(self, event: PredictionLogged, partition: int = 0) -> None:
        record = replace(self.monitor.record_of(event), partition=partition)
        self.folds.table |= await self._intake.take(record, self.folds.table)

    async def scanned(self, *, after_window: int = 0, seconds: float = 3) -> list[object]:
        """What is published by a scan so long after the end of a window."""
        self.monitor.clock.advance(
            (
                START + timedelta(minutes=5 * (after_window + 1), seconds=seconds) - self.monitor.clock.now()
            ).total_seconds()
        )
        self.monitor.take_published()
        await self.scan.scan()
        return list(self.monitor.published)

    async def _look_up(self, query: TermsOf) -> Terms:
        self.looked_up += 1
        return await self.monitor.read(terms_of, query)

    async def _record(self, finding: WindowClosed) -> int:
        return await self.monitor.change(record_window, finding, key=finding.id)


@pytest.fixture
def people() -> People:
    return People(21)


@pytest.fixture
async def scene(monitor: Harness[MonitorUnitOfWork], people: People, tmp_path: Path) -> Scene:
    """Version 1 of credit serves, with 3000 rows of reference."""
    artifacts = ArtifactStore(f"file://{tmp_path}")
    reference = await artifacts.put_bytes(parquet_of(people.rows(3000)), suffix=".parquet")
    await monitor.receives(workflow_applied())
    await monitor.receives(model_deployed(reference=reference))
    return Scene(monitor, artifacts)


def only_window(events: list[object]) -> WindowMeasured:
    (window,) = [event for event in events if isinstance(event, WindowMeasured)]
    return window


async def test_a_stable_window_finds_no_drift(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600))
    (window,) = await scene.scanned()
    assert isinstance(window, WindowMeasured)
    assert (window.outcome, window.rows) == ("stable", 600)
    assert window.latency_p50_ms == pytest.approx(25, rel=0.05)


async def test_a_shifted_window_finds_it(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600, shift=0.6))
    events = await scene.scanned()
    (drift,) = [event for event in events if isinstance(event, DriftDetected)]
    assert {feature.feature for feature in drift.features if feature.drifted} == {"amount", "prediction"}
    assert {feature.feature for feature in drift.features} == {*COLUMNS, "prediction"}


async def test_a_window_waits_for_its_end_and_the_grace(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600))
    assert await scene.scanned(seconds=1.9) == []
    assert len(await scene.scanned(seconds=2)) == 1


async def test_a_backlog_keeps_windows_open(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600))
    scene.folds.backlog = 60
    assert await scene.scanned(seconds=50) == []
    scene.folds.backlog = None
    assert await scene.scanned(seconds=100) == []
    scene.folds.backlog = 0
    assert len(await scene.scanned(seconds=100)) == 1


async def test_a_closed_window_is_handed_on_once(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600))
    await scene.scanned()
    looked_up = scene.looked_up
    assert await scene.scanned(seconds=10) == []
    assert scene.looked_up == looked_up


async def test_late_rows_are_the_next_revision(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600))
    await scene.scanned()
    await scene.predicted(people.rows(40))
    window = only_window(await scene.scanned(seconds=20))
    assert (window.revision, window.rows) == (2, 640)


async def test_partitions_make_one_window(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600), partition=0)
    await scene.predicted(people.rows(300), partition=3)
    assert only_window(await scene.scanned()).rows == 900


async def test_too_few_rows_are_not_tested(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(99, shift=3))
    window = only_window(await scene.scanned())
    assert (window.outcome, window.detail) == ("too_few_rows", "99 answered predictions, 100 are needed for a test")


async def test_errors_are_counted_and_not_tested(scene: Scene, people: People) -> None:
    failed = dict.fromkeys(range(150), 503)
    await scene.taken(predictions(people.rows(200), spread(200), statuses=failed))
    window = only_window(await scene.scanned())
    assert (window.rows, window.errors, window.outcome) == (200, 150, "too_few_rows")


async def test_a_version_that_is_not_announced_yet_is_waited_for(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600), version=2)
    assert await scene.scanned(seconds=20) == []
    reference = await scene.artifacts.put_bytes(parquet_of(people.rows(3000)))
    await scene.monitor.receives(model_deployed(version=2, reference=reference))
    assert only_window(await scene.scanned(seconds=21)).outcome == "stable"


async def test_a_version_that_is_never_announced_is_measured(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600), version=9)
    window = only_window(await scene.scanned(seconds=31))
    assert (window.outcome, window.rows) == ("not_tested", 600)
    assert "no model.deployed of 'credit' version 9" in window.detail


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (None, "is not in the store"),
        (b"no parquet", "is no Parquet file"),
        (parquet_of(People(1).rows(0)), "has no rows"),
    ],
)
async def test_a_reference_that_cannot_be_read_is_told(
    scene: Scene, people: People, data: bytes | None, complaint: str
) -> None:
    missing = ARTIFACT.model_copy(update={"uri": f"{ARTIFACT.uri}/gone"})
    reference = missing if data is None else await scene.artifacts.put_bytes(data)
    await scene.monitor.receives(model_deployed(version=2, reference=reference))
    await scene.predicted(people.rows(600), version=2)
    window, alert = await scene.scanned()
    assert isinstance(window, WindowMeasured)
    assert isinstance(alert, AlertRaised)
    assert window.outcome == "not_tested"
    assert complaint in alert.detail


async def test_a_reference_that_was_changed_on_disk_is_told(scene: Scene, people: People) -> None:
    reference = await scene.artifacts.put_bytes(parquet_of(people.rows(500)))
    Path(reference.uri.removeprefix("file://")).write_bytes(parquet_of(people.rows(500, shift=1)))
    await scene.monitor.receives(model_deployed(version=2, reference=reference))
    await scene.predicted(people.rows(600), version=2)
    assert "was changed after it was stored" in only_window(await scene.scanned()).detail


async def test_an_engine_that_is_not_installed_is_told(scene: Scene, people: People) -> None:
    def none(engine: EngineName) -> DriftDetector:
        raise EngineMissing(engine)

    scene.engines = none
    await scene.predicted(people.rows(600))
    window = only_window(await scene.scanned())
    assert window.outcome == "not_tested"
    assert "install murmur-monitor[alibi]" in window.detail


class Broken:
    """A library that is there and does not work."""

    def __init__(self, *, loads: bool) -> None:
        self._loads = loads

    @property
    def engine(self) -> str:
        return "broken 1"

    def load(self) -> None:
        if not self._loads:
            raise ImportError("numpy.core was removed")

    def test(self, pairs: Sequence[Pair]) -> tuple[ColumnTest, ...]:
        self.load()
        raise ValueError("array must not contain infs or NaNs")


@pytest.mark.parametrize(("loads", "complaint"), [(True, "must not contain infs"), (False, "numpy.core was removed")])
async def test_an_engine_that_breaks_is_told_and_the_other_windows_go_on(
    scene: Scene, people: People, loads: bool, complaint: str
) -> None:
    scene.engines = lambda engine: Broken(loads=loads)
    await scene.predicted(people.rows(600))
    await scene.predicted(people.rows(50), window=1)
    first, alert, second = await scene.scanned(after_window=1)
    assert isinstance(first, WindowMeasured)
    assert isinstance(alert, AlertRaised)
    assert isinstance(second, WindowMeasured)
    assert (first.outcome, second.outcome) == ("not_tested", "too_few_rows")
    assert complaint in alert.detail


async def test_a_store_that_is_away_is_waited_for_and_told_to_nobody(scene: Scene, people: People) -> None:
    def away(engine: EngineName) -> DriftDetector:
        raise StoreUnavailable("gone for a moment")

    scene.engines = away
    await scene.predicted(people.rows(600))
    with pytest.raises(StoreUnavailable):
        await scene.scanned()
    scene.engines = detector_for
    assert only_window(await scene.scanned()).outcome == "stable"


async def test_windows_are_forgotten_once_they_are_closed_and_far_behind(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(200), window=0)
    await scene.predicted(people.rows(200), window=8)
    assert len(await scene.scanned(after_window=7)) == 1
    assert [decode_key(key).window.starts_at for key in scene.folds.table] == [START + timedelta(minutes=40)]


async def test_a_restarted_monitor_says_nothing_twice(scene: Scene, people: People) -> None:
    await scene.predicted(people.rows(600, shift=0.6))
    await scene.scanned()
    successor = Scene(scene.monitor, scene.artifacts, scene.folds)
    assert await successor.scanned(seconds=20) == []
