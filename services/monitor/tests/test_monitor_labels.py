"""Predictions and labels in, windows measured again out: in any order, and each label once."""

from datetime import timedelta

import pytest
from label_desk import HOUR, MINUTE, Desk, MakeDesk
from label_facts import Population, feedback, logged, names
from monitor_facts import START

from murmur_events.monitoring import WindowMeasured
from murmur_monitor import views
from murmur_monitor.domain.windows import Window, as_millis


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
    await desk.heard(feedback(names(30), [1.0] * 30), feedback(names(2), [1.0] * 2, known=START + 3 * MINUTE))
    assert await desk.measured() == []
    assert await desk.counts() == {"predictions": 30, "received": 62, "joined": 30, "repeated": 32}


async def test_a_corrected_label_replaces_the_first(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(4), outputs=[0.9, 0.8, 0.2, 0.1]), feedback(names(4), [1.0, 1.0, 0.0, 0.0]))
    (before,) = await desk.measured()
    await desk.heard(feedback(["q-0"], [0.0], known=START + 2 * MINUTE))
    (after,) = await desk.measured()
    assert (before.quality["auc"], after.quality["auc"]) == (1.0, pytest.approx(2 / 3))
    assert (after.labelled, after.revision) == (4, 3)
    assert (await desk.counts())["corrected"] == 1


async def test_an_earlier_label_does_not_replace_one_that_was_known_later(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(1)), feedback(names(1), [1.0], known=START + 2 * MINUTE))
    await desk.measured()
    await desk.heard(feedback(names(1), [0.0], known=START + MINUTE))
    assert await desk.measured() == []
    assert (await desk.counts())["outdated"] == 1


async def test_a_correction_that_comes_before_the_prediction_counts(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(feedback(["q-0", "q-1"], [1.0, 0.0]), feedback(["q-0"], [0.0], known=START + 2 * MINUTE))
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


@pytest.mark.parametrize("status", [400, 503])
async def test_a_request_that_failed_and_was_asked_again_is_named_by_its_id(desk: Desk, status: int) -> None:
    """By the same replica, one after the other, in one batch and over the border of two."""
    await desk.closed()
    requests, outputs, statuses = ["a", "a", "b"], [None, 0.5, None], [status, 200, status]
    await desk.heard(logged(requests, outputs=outputs, statuses=statuses), logged(["b", "b"], offset=3))
    await desk.heard(feedback(["a", "b", "b#1"], [1.0, 1.0, 1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 3
    assert "waiting" not in await desk.counts()


async def test_a_failure_does_not_go_on_with_what_was_answered_before_it(desk: Desk) -> None:
    await desk.closed()
    rows = logged(["a"] * 3, outputs=[0.5, None, 0.5], statuses=[200, 500, 200], over=timedelta(0))
    await desk.heard(rows, feedback(["a", "a#1"], [1.0, 1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 2
    assert (await desk.counts())["waiting"] == 1


async def test_a_second_attempt_at_the_same_replica_has_the_name_of_the_first(desk: Desk) -> None:
    await desk.closed()
    later = START + timedelta(seconds=1)
    await desk.heard(logged(["a", "a"]), logged(["a", "a"], offset=2, start=later))
    await desk.heard(feedback(["a", "a#1"], [1.0, 1.0]))
    (window,) = await desk.measured()
    assert window.labelled == 4


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


async def test_of_very_many_labels_a_part_is_measured_and_all_are_counted(desk_with: MakeDesk) -> None:
    """Also where every second prediction is another kind: requests of two rows."""
    desk = desk_with(window_rows=200)
    await desk.closed()
    outputs, labels = Population(3).rows(1000)
    labels[1::2] = [0.0] * 500
    await desk.heard(logged(names(1000), outputs=outputs), feedback(names(1000), labels))
    rows = await desk.book.rows_of("credit", 1, Window(as_millis(START), as_millis(START + HOUR)))
    assert (len(rows.labels), rows.known) == (pytest.approx(200, abs=3), 1000)
    assert float(rows.labels.mean()) == pytest.approx(sum(labels) / 1000, abs=0.05)
    (window,) = await desk.measured()
    assert window.labelled == 1000


async def test_a_window_waits_the_longer_the_more_labels_it_has(desk_with: MakeDesk) -> None:
    desk = desk_with(labels_a_second=10)
    await desk.closed()
    await desk.heard(logged(names(60)), feedback(names(50), [1.0] * 50))
    first = START + 2 * HOUR
    assert len(await desk.measured(at=first)) == 1
    await desk.heard(feedback(["q-50"], [1.0]))
    assert await desk.measured(at=first + timedelta(seconds=4.9)) == []
    (window,) = await desk.measured(at=first + timedelta(seconds=5))
    assert window.labelled == 51


async def test_late_rows_keep_what_the_labels_told(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(10)), feedback(names(10), [1.0] * 10))
    await desk.measured()
    await desk.closed(rows=510)
    window = desk.monitor.published[-1]
    assert isinstance(window, WindowMeasured)
    assert (window.revision, window.rows, window.labelled) == (3, 510, 10)


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
