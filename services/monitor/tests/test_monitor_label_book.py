"""What the label book keeps, lets go of and counts; and where it goes on after a restart."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from label_desk import HOUR, MINUTE, Desk, MakeDesk
from label_facts import feedback, logged, names
from monitor_facts import START

from murmur_monitor import views
from murmur_monitor.domain.windows import Window, as_millis
from murmur_monitor.joining.book import LabelBook
from murmur_monitor.quality_findings import WindowLabelled, record_quality


async def test_a_label_that_comes_too_late_is_counted_and_not_joined(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(10)))
    desk.monitor.clock.advance(timedelta(days=7, minutes=6).total_seconds())
    await desk.heard(feedback(names(10), [1.0] * 10))
    assert await desk.measured() == []
    assert await desk.counts() == {"predictions": 10, "received": 10, "too_late": 10}


async def test_rows_that_a_batch_had_scored_wait_for_no_label(desk: Desk) -> None:
    await desk.closed()
    flags = tuple(number % 2 == 0 for number in range(10))
    await desk.heard(logged(names(10)).model_copy(update={"in_batches": flags}), feedback(names(10), [1.0] * 10))
    (window,) = await desk.measured()
    assert window.labelled == 5


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


async def test_all_labelled_predictions_go_that_no_window_needs_any_more(desk: Desk) -> None:
    """However many more there are than one transaction deletes, also within one moment; the younger ones stay."""
    await desk.closed()
    young = logged(names(3, "young"), start=START + HOUR, segment="young")
    await desk.heard(logged(names(40)), logged(names(20, "at once"), over=timedelta(0), segment="another"), young)
    ids = (*names(40), *names(20, "at once"), *names(3, "young"))
    await desk.heard(feedback(ids, [1.0] * 63), feedback(names(9), [0.0] * 9, known=START + 2 * MINUTE))
    assert await desk.labelled_rows() == 63
    await desk.measured(at=START + timedelta(days=7, minutes=30))
    assert await desk.labelled_rows() == 3


async def test_labelled_predictions_take_room_too_and_go_with_those_of_their_time(desk_with: MakeDesk) -> None:
    desk = desk_with(generation_rows=100, most_rows=600)
    await desk.closed()
    for batch in range(5):
        ids = names(50, f"b{batch}")
        start = START + timedelta(minutes=batch)
        await desk.heard(logged(ids, start=start, over=timedelta(minutes=1), segment=f"s{batch}"))
    await desk.measured()
    assert "let_go" not in await desk.counts(), "250 rows"
    await desk.heard(*(feedback(names(50, f"b{batch}"), [1.0] * 50) for batch in range(5)))
    await desk.measured(at=START + 3 * HOUR)
    assert (await desk.counts())["let_go"] == 100, "250 predictions, 250 labels, 250 labelled, less the oldest"
    assert await desk.labelled_rows() == 150


async def test_labels_find_predictions_over_many_generations(desk_with: MakeDesk) -> None:
    desk = desk_with(generation_rows=7)
    await desk.closed()
    for batch in range(10):
        await desk.heard(feedback(names(5, f"early{batch}"), [1.0] * 5))
        await desk.heard(logged(names(5, f"late{batch}"), segment=f"l{batch}"))
    for batch in range(10):
        await desk.heard(logged(names(5, f"early{batch}"), segment=f"e{batch}"))
        await desk.heard(feedback(names(5, f"late{batch}"), [0.0] * 5))
    await desk.heard(feedback(["early0-0"], [0.0], known=START + 2 * MINUTE))
    (window,) = await desk.measured()
    assert window.labelled == 100
    counts = await desk.counts()
    assert (counts["joined"], counts["corrected"]) == (100, 1)


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


async def test_a_book_of_an_older_release_is_brought_up_to_date(desk: Desk) -> None:
    await desk.closed()
    await desk.heard(logged(names(30)), feedback(names(10), [1.0] * 10))
    await desk.book.close()
    with closing(sqlite3.connect(desk.path)) as book:
        book.execute("ALTER TABLE segments DROP COLUMN time")
        book.execute("DELETE FROM numbers WHERE name = 'joined'")
        book.commit()
    desk.open()
    await desk.heard(logged(names(40)), feedback(names(40), [1.0] * 40))
    (window,) = await desk.measured()
    assert window.labelled == await desk.labelled_rows() == 40


async def test_feedback_that_makes_no_sense_becomes_a_dead_letter(desk: Desk) -> None:
    odd = feedback(names(3), [1.0] * 3).model_copy(update={"labels": (1.0,)})
    await desk.heard(odd, feedback(names(3), [1.0] * 3))
    (letter,) = await desk.monitor.store.dead_letters()
    assert letter.error == "NotJoinable"
    assert "request_ids has 3, others have {'labels': 1}" in letter.reason
    assert (await desk.counts())["received"] == 3


async def test_a_label_of_the_future_becomes_a_dead_letter_and_can_be_corrected(desk: Desk) -> None:
    """By the clock of the monitor: whoever is decades ahead stamps the event so, too."""
    await desk.closed()
    year = 365 * 24 * HOUR
    await desk.heard(logged(names(2)))
    await desk.say(feedback(["q-0"], [1.0], known=START + 36 * year))
    desk.monitor.clock.advance(36 * year.total_seconds())
    await desk.say(feedback(["q-1"], [1.0], known=START + 36 * year))
    desk.monitor.clock.advance(-36 * year.total_seconds())
    await desk.read()
    assert [letter.error for letter in await desk.monitor.store.dead_letters()] == ["NotJoinable"] * 2
    await desk.heard(feedback(names(2), [0.0, 0.0], known=desk.monitor.clock.now() + timedelta(minutes=5)))
    (window,) = await desk.measured()
    assert window.labelled == 2


async def test_a_label_of_the_future_is_refused_again_when_the_book_is_filled_anew(desk: Desk) -> None:
    await desk.heard(logged(names(1)), feedback(names(1), [1.0], known=START + 48 * HOUR))
    await desk.book.close()
    desk.path.unlink()
    desk.open()
    desk.monitor.clock.advance(72 * HOUR.total_seconds())
    desk.broker.committed.clear()
    await desk.read()
    assert await desk.counts() == {"predictions": 1}


@pytest.mark.parametrize("numbers", [{"offset": 2**63}, {"version": 2**63}, {"offset": -1}])
async def test_numbers_that_no_file_can_hold_are_passed_over(desk: Desk, numbers: dict[str, int]) -> None:
    await desk.closed()
    await desk.heard(
        logged(names(5, "odd")).model_copy(update=numbers), logged(names(5)), feedback(names(5), [1.0] * 5)
    )
    (window,) = await desk.measured()
    assert window.labelled == 5


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
    await desk.heard(feedback(["q-0"], [0.0], known=START + 2 * MINUTE))
    await desk.book.settle(before, [])
    (window,) = await desk.measured()
    assert window.quality["brier"] == 0.25
    assert await desk.book.touched(10) == []


async def test_what_was_cancelled_is_over_before_the_book_closes(tmp_path: Path) -> None:
    """A cancelled call leaves its work running in a thread; two threads in one connection crash the process."""
    book, begun, goes_on, seen = LabelBook(tmp_path / "labels.db"), threading.Event(), threading.Event(), []

    def work(connection: sqlite3.Connection) -> None:
        begun.set()
        goes_on.wait(10)
        seen.append(connection.execute("SELECT count(*) FROM places").fetchone())

    await book.open()
    call = asyncio.create_task(book._writing(work))
    await asyncio.to_thread(begun.wait, 10)
    call.cancel()
    closing = asyncio.create_task(book.close())
    await asyncio.sleep(0)
    goes_on.set()
    await closing
    assert seen == [(0,)]
