"""Predictions and labels in, windows measured again out: in any order, once, and within bounds."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from label_facts import Population, feedback, logged, names
from monitor_facts import START, model_deployed, workflow_applied

from murmur_events import Event, Record
from murmur_events.monitoring import WindowMeasured
from murmur_kernel import letters
from murmur_kernel.bus import TopicPartition
from murmur_kernel.bus.memory import MemoryBroker, MemorySink, MemorySource
from murmur_kernel.consuming import Dead
from murmur_kernel.store import RawRecord
from murmur_kernel.testing import Harness
from murmur_monitor import joining, views
from murmur_monitor.domain.measured import NotCompared, Statistics
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.findings import WindowClosed, record_window
from murmur_monitor.joining.book import LabelBook
from murmur_monitor.joining.following import LabelFollower
from murmur_monitor.joining.measuring import QualityScan
from murmur_monitor.quality_findings import WindowLabelled, record_quality
from murmur_monitor.repository import MonitorUnitOfWork

Monitor = Harness[MonitorUnitOfWork]
HOUR = timedelta(hours=1)


class Desk:
    """A monitor with a label book; what a test says goes over a broker in memory, and time stands still."""

    def __init__(self, monitor: Monitor, folder: Path, *, generation_rows: int = 1000, most_rows: int = 10_000) -> None:
        self.monitor = monitor
        self.broker = MemoryBroker()
        self.path = folder / "labels.db"
        self._rows = generation_rows
        self._most_rows = most_rows
        self.open()

    def open(self) -> None:
        """As after a restart: a new book over the same file, a new member of the group."""
        self.book = LabelBook(self.path, generation_rows=self._rows)
        self.source = MemorySource(self.broker, "labels", joining.TOPICS, wait=0.01)
        self.scan = QualityScan(
            self.book,
            lambda name: self.monitor.read(views.watched, name),
            lambda query: self.monitor.read(views.is_recorded, query),
            self._record,
            self.monitor.clock,
            grace=timedelta(seconds=2),
            forget_every=timedelta(0),
            most_rows=self._most_rows,
        )
        self.follower = LabelFollower(
            lambda: self.source,
            self.book,
            self.scan,
            lambda name: self.monitor.read(views.label_delay_of, name),
            self._bury,
            self.monitor.clock,
            every=timedelta(0),
        )

    async def say(self, *events: Event) -> None:
        for event in events:
            raw = self.monitor.record_of(event)
            await MemorySink(self.broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])

    async def read(self) -> None:
        """All that was said so far, into the book."""
        self.follower._next = {TopicPartition(*place): after for place, after in (await self.book.open()).items()}
        while records := await self.source.fetch():
            await self.follower.take(self.source, records)

    async def heard(self, *events: Event) -> None:
        await self.say(*events)
        await self.read()

    async def measured(self, *, at: datetime = START + 2 * HOUR) -> list[WindowMeasured]:
        """What a scan at that time publishes."""
        self.monitor.clock.advance(max(0.0, (at - self.monitor.clock.now()).total_seconds()))
        self.monitor.take_published()
        await self.scan.scan()
        return [event for event in self.monitor.take_published() if isinstance(event, WindowMeasured)]

    async def closed(self, *, window: int = 0, version: int = 1, rows: int = 500) -> None:
        """The windows' part of the monitor has closed one of five minutes."""
        start = as_millis(START + timedelta(minutes=5 * window))
        numbers = Statistics(rows, 0, rows / 300, 2.0, 9.0, 0.25)
        finding = WindowClosed(
            "credit", "credit", version, Window(start, start + 300_000), numbers, NotCompared("only its labels matter")
        )
        await self.monitor.change(record_window, finding)

    async def counts(self) -> dict[str, int]:
        return {what: rows for what, rows in (await self.book.counts("credit")).items() if rows}

    async def _record(self, finding: WindowLabelled) -> int:
        return await self.monitor.change(record_quality, finding)

    async def _bury(self, record: RawRecord, dead: Dead) -> None:
        await letters.bury(self.monitor.dispatcher, record, dead)


MakeDesk = Callable[..., Desk]


@pytest.fixture
async def desk_with(monitor: Monitor, tmp_path: Path) -> AsyncIterator[MakeDesk]:
    """Version 1 of credit serves and is watched."""
    await monitor.receives(workflow_applied())
    await monitor.receives(model_deployed())
    made: list[Desk] = []

    def make(**bounds: int) -> Desk:
        made.append(Desk(monitor, tmp_path, **bounds))
        return made[-1]

    yield make
    for desk in made:
        await desk.book.close()


@pytest.fixture
def desk(desk_with: MakeDesk) -> Desk:
    return desk_with()


async def test_labels_that_come_later_are_joined(desk: Desk) -> None:
    outputs, labels = Population(1).rows(300)
    await desk.closed()
    await desk.heard(logged(names(300), outputs=outputs))
    assert await desk.measured() == []
    await desk.heard(feedback(names(300), labels))
    (window,) = await desk.measured()
    assert (window.labelled, window.rows, window.revision, window.start) == (300, 500, 2, START)
    assert sorted(window.quality) == ["auc", "average_precision", "brier", "log_loss"]
    assert window.quality_interval is not None
    assert window.quality_interval.low < window.quality["auc"] < window.quality_interval.high


async def test_labels_that_come_first_are_joined_too(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(feedback(names(30), [1.0, 0.0, 0.0] * 10))
    assert await desk.counts() == {"received": 30, "waiting": 30}
    await desk.heard(logged(names(40)))
    (window,) = await desk.measured()
    assert window.labelled == 30
    assert await desk.counts() == {"predictions": 40, "received": 30, "joined": 30}


async def test_windows_and_versions_are_measured_apart(desk: Desk) -> None:
    for window in (0, 1):
        await desk.closed(window=window)
    await desk.closed(version=2)
    second = START + timedelta(minutes=5)
    await desk.heard(
        logged(names(20, "a")),
        logged(names(30, "b"), start=second, segment="later"),
        logged(names(40, "c"), version=2, segment="other"),
    )
    await desk.heard(
        *(feedback(names(count, prefix), [1.0] * count) for prefix, count in (("a", 20), ("b", 30), ("c", 40)))
    )
    measured = await desk.measured()
    assert [(window.version, window.start, window.labelled) for window in measured] == [
        (1, START, 20),
        (2, START, 40),
        (1, second, 30),
    ]


async def test_a_label_that_comes_twice_counts_once(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(30)), feedback(names(30), [1.0] * 30))
    await desk.measured()
    await desk.heard(feedback(names(30), [1.0] * 30), feedback(names(2), [1.0] * 2, known=START + 3 * HOUR))
    assert await desk.measured() == []
    assert await desk.counts() == {"predictions": 30, "received": 62, "joined": 30, "repeated": 32}


async def test_a_corrected_label_replaces_the_first(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(4), outputs=[0.9, 0.8, 0.2, 0.1]), feedback(names(4), [1.0, 1.0, 0.0, 0.0]))
    (before,) = await desk.measured()
    await desk.heard(feedback(["q-0"], [0.0], known=START + 2 * HOUR))
    (after,) = await desk.measured()
    assert (before.quality["auc"], after.quality["auc"]) == (1.0, pytest.approx(2 / 3))
    assert (after.labelled, after.revision) == (4, 3)
    assert (await desk.counts())["corrected"] == 1


async def test_an_earlier_label_does_not_replace_one_that_was_known_later(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(1)), feedback(names(1), [1.0], known=START + 2 * HOUR))
    await desk.measured()
    await desk.heard(feedback(names(1), [0.0], known=START + HOUR))
    assert await desk.measured() == []
    assert (await desk.counts())["outdated"] == 1


async def test_a_correction_that_comes_before_the_prediction_counts(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(feedback(["q-0", "q-1"], [1.0, 0.0]), feedback(["q-0"], [0.0], known=START + 2 * HOUR))
    await desk.heard(logged(names(2)))
    (window,) = await desk.measured()
    assert (window.labelled, window.quality["brier"]) == (2, 0.25)
    assert "auc" not in window.quality


async def test_rows_of_one_request_are_named_by_their_place(desk: Desk) -> None:
    await desk.closed()
    requests = ["one", "three", "three", "three", "last"]
    await desk.heard(logged(requests, outputs=[0.1, 0.2, 0.3, 0.4, 0.5]))
    await desk.heard(feedback(["three", "three#2", "last#0", "three#3"], [1.0, 1.0, 1.0, 1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 3
    assert window.quality["brier"] == pytest.approx((0.8**2 + 0.6**2 + 0.5**2) / 3)
    assert (await desk.counts())["waiting"] == 1


async def test_a_request_is_counted_on_where_a_batch_cuts_it(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(["big"] * 3), logged(["big"] * 2, offset=3), logged(["big"], segment="another"))
    await desk.heard(feedback(["big#3", "big#4", "big#5"], [1.0, 1.0, 1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 2


async def test_failed_and_nameless_predictions_have_no_labels(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(["a", "", "c"], outputs=[None, 0.5, 0.5], statuses=[503, 200, 200]))
    await desk.heard(feedback(["a", "c"], [1.0, 1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 1


async def test_a_batch_that_a_server_sends_twice_counts_once(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(30)), logged(names(30)), logged(names(40)))
    await desk.heard(feedback(names(40), [1.0] * 40))
    (window,) = await desk.measured()
    assert window.labelled == 40


async def test_a_label_belongs_to_a_shadow_of_the_request_too(desk: Desk) -> None:
    await desk.closed()
    await desk.closed(version=2)
    await desk.heard(logged(names(10)), feedback(names(10), [1.0] * 10), logged(names(10), version=2, segment="shadow"))
    assert [(window.version, window.labelled) for window in await desk.measured()] == [(1, 10), (2, 10)]


async def test_a_label_that_comes_too_late_is_counted_and_not_joined(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(10)))
    desk.monitor.clock.advance(timedelta(days=7, minutes=6).total_seconds())
    await desk.heard(feedback(names(10), [1.0] * 10))
    assert await desk.measured() == []
    assert await desk.counts() == {"predictions": 10, "received": 10, "too_late": 10}


async def test_a_label_that_was_made_in_time_is_joined_however_late_it_is_read(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(10)))
    await desk.say(feedback(names(10), [1.0] * 10))
    desk.monitor.clock.advance(timedelta(days=8).total_seconds())
    await desk.read()
    (window,) = await desk.measured()
    assert window.labelled == 10


async def test_what_waits_in_vain_is_forgotten_and_counted(desk: Desk) -> None:
    await desk.heard(logged(names(10)), feedback(names(5, "typo"), [1.0] * 5))
    await desk.measured(at=START + timedelta(days=8))
    assert await desk.counts() == {"predictions": 10, "received": 5, "unmatched": 5}
    await desk.heard(feedback(names(10), [1.0] * 10))
    assert (await desk.counts())["waiting"] == 10


async def test_within_the_delay_nothing_is_forgotten(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(10)))
    await desk.measured(at=START + timedelta(days=6, hours=23))
    await desk.heard(feedback(names(10), [1.0] * 10))
    (window,) = await desk.measured()
    assert window.labelled == 10


async def test_an_old_window_is_not_measured_from_the_rest_of_its_rows(desk: Desk) -> None:
    """Rows go with the last window that could be measured again, not one by one."""
    await desk.closed()
    await desk.heard(logged(names(10)), feedback(names(9), [1.0] * 9))
    await desk.measured()
    late = START + timedelta(days=7, minutes=4)
    assert await desk.measured(at=late) == []
    await desk.heard(feedback(["q-9"], [1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 10


async def test_where_there_is_no_room_the_oldest_predictions_go_and_are_counted(desk_with: MakeDesk) -> None:
    desk = desk_with(generation_rows=100, most_rows=250)
    await desk.closed()
    for batch in range(5):
        await desk.heard(logged(names(100, f"b{batch}"), segment=f"s{batch}"))
    await desk.measured()
    assert (await desk.counts())["let_go"] == 300
    await desk.heard(feedback(["b0-1", "b4-1"], [1.0, 1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 1


async def test_labels_find_predictions_over_many_generations(desk_with: MakeDesk) -> None:
    desk = desk_with(generation_rows=7)
    await desk.closed()
    for batch in range(10):
        await desk.heard(feedback(names(5, f"early{batch}"), [1.0] * 5))
        await desk.heard(logged(names(5, f"late{batch}"), segment=f"l{batch}"))
    for batch in range(10):
        await desk.heard(logged(names(5, f"early{batch}"), segment=f"e{batch}"))
        await desk.heard(feedback(names(5, f"late{batch}"), [0.0] * 5))
    await desk.heard(feedback(["early0-0"], [0.0], known=START + 2 * HOUR))
    (window,) = await desk.measured()
    assert window.labelled == 100
    counts = await desk.counts()
    assert (counts["joined"], counts["corrected"]) == (100, 1)


async def test_a_window_that_is_not_known_yet_is_measured_once_it_is(desk: Desk) -> None:
    await desk.heard(logged(names(10)), feedback(names(10), [1.0] * 10))
    assert await desk.measured() == []
    await desk.closed()
    (window,) = await desk.measured()
    assert window.labelled == 10


async def test_a_window_that_is_not_over_waits(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(10)), feedback(names(10), [1.0] * 10))
    assert await desk.measured(at=START + timedelta(minutes=5, seconds=1)) == []
    assert len(await desk.measured(at=START + timedelta(minutes=5, seconds=2))) == 1


async def test_late_rows_keep_what_the_labels_told(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(10)), feedback(names(10), [1.0] * 10))
    await desk.measured()
    await desk.closed(rows=510)
    window = desk.monitor.published[-1]
    assert isinstance(window, WindowMeasured)
    assert (window.revision, window.rows, window.labelled) == (3, 510, 10)


async def test_a_restart_goes_on_where_the_book_ends(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(30)), feedback(names(20), [1.0] * 20))
    desk.open()
    await desk.heard(logged(names(40)), feedback(names(25), [1.0] * 25))
    (window,) = await desk.measured()
    assert window.labelled == 25
    assert await desk.counts() == {"predictions": 40, "received": 45, "joined": 25, "repeated": 20}


async def test_a_book_that_is_lost_is_filled_again(desk: Desk) -> None:
    """The file is gone, or another machine has taken over."""
    await desk.closed()
    await desk.heard(logged(names(30)), feedback(names(20), [1.0] * 20))
    await desk.book.close()
    for left in desk.path.parent.glob("labels.db*"):
        left.unlink()
    desk.open()
    await desk.heard(feedback(["q-29"], [1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 21


async def test_a_book_that_is_read_anew_takes_nothing_back(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(30)), feedback(names(20), [1.0] * 20))
    await desk.measured()
    start = as_millis(START)
    before = (await desk.monitor.read(views.list_windows, views.PageOf(1, None))).items[0]
    fewer = WindowLabelled(
        "credit", 1, Window(start, start + 300_000), "auc", replace(before.quality, labelled=19, metrics={})
    )
    assert await desk.monitor.change(record_quality, fewer) == before.revision


async def test_feedback_that_makes_no_sense_becomes_a_dead_letter(desk: Desk) -> None:
    odd = feedback(names(3), [1.0] * 3).model_copy(update={"labels": (1.0,)})
    await desk.heard(odd, feedback(names(3), [1.0] * 3))
    (letter,) = await desk.monitor.store.dead_letters()
    assert letter.error == "NotJoinable"
    assert "request_ids has 3, others have {'labels': 1}" in letter.reason
    assert (await desk.counts())["received"] == 3


async def test_labels_that_contradict_the_model_degrade_it_and_labels_that_agree_do_not(desk: Desk) -> None:
    """From predictions and labels alone, over the broker: four windows, the last one spoilt."""
    population = Population(7)
    found: list[str] = []
    for number in range(4):
        await desk.closed(window=number)
        outputs, labels = population.rows(400, spoilt=number == 3)
        ids = names(400, f"w{number}")
        start = START + timedelta(minutes=5 * number)
        await desk.heard(logged(ids, outputs=outputs, start=start, segment=f"s{number}"), feedback(ids, labels))
        desk.monitor.clock.advance(60)
        await desk.measured()
        kept = (await desk.monitor.read(views.list_windows, views.PageOf(1, None))).items[0]
        found.append("degraded" if kept.degradation else "good")
    assert found == ["good", "good", "good", "degraded"]


async def test_a_reader_that_begins_too_late_goes_back_to_where_the_book_ends(desk: Desk) -> None:
    """Whatever place the broker gives it: here one behind records that no book has."""
    await desk.closed()
    await desk.say(logged(names(30)), feedback(names(20), [1.0] * 20))
    for place, records in desk.broker.log.items():
        desk.broker.committed["labels", place] = len(records)
    await desk.heard(logged(names(40)), feedback(["q-29", "q-39"], [1.0, 1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 22


async def test_what_is_touched_again_while_it_is_measured_is_measured_again(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(30)), feedback(names(1), [1.0]))
    before = await desk.book.touched(10)
    await desk.heard(feedback(["q-0"], [0.0], known=START + 2 * HOUR))
    await desk.book.settle(before, [])
    (window,) = await desk.measured()
    assert window.quality["brier"] == 0.25
    assert await desk.book.touched(10) == []
