"""Logs of many processes read as one story, and do not grow for ever."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from murmur_runtime.home import Home
from murmur_runtime.logs import bound_sizes, follow, read

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def entry(seconds: float, event: str) -> str:
    return json.dumps({"timestamp": (NOON + timedelta(seconds=seconds)).isoformat(), "event": event}) + "\n"


def texts(home: Home, *processes: str, since: datetime | None = None, newest: int | None = None) -> list[str]:
    lines = read(home, processes, since=since, newest=newest)
    return [str(line.fields["event"]) if line.fields else line.text for line in lines]


def test_lines_of_all_processes_come_in_the_order_of_time(home: Home) -> None:
    home.log("trainer").write_text(entry(1, "one") + entry(4, "four"))
    home.log("registry").write_text(entry(2, "two"))
    home.log("kafka").write_text("2026-11-25T12:00:03.000Z INFO  three\n")

    assert texts(home, "trainer", "registry", "kafka") == ["one", "two", "2026-11-25T12:00:03.000Z INFO  three", "four"]


def test_a_stack_trace_stays_behind_its_line(home: Home) -> None:
    home.log("kafka").write_text("2026-11-25T12:00:01Z ERROR it broke\n\tat kafka.Kafka\n")
    home.log("trainer").write_text(entry(2, "later"))

    assert texts(home, "kafka", "trainer") == ["2026-11-25T12:00:01Z ERROR it broke", "\tat kafka.Kafka", "later"]


def test_a_log_that_never_tells_the_time_has_that_of_its_last_write(home: Home) -> None:
    home.log("trainer").write_text("No module named murmur_trainer\n")
    os.utime(home.log("trainer"), (NOON.timestamp(), NOON.timestamp()))

    assert [line.time for line in read(home, ["trainer"])] == [NOON]


def test_only_lines_from_a_time_on(home: Home) -> None:
    home.log("trainer").write_text(entry(1, "one") + entry(2, "two"))

    assert texts(home, "trainer", since=NOON + timedelta(seconds=2)) == ["two"]


def test_only_the_newest_lines(home: Home) -> None:
    home.log("trainer").write_text(entry(1, "one") + entry(3, "three"))
    home.log("registry").write_text(entry(2, "two"))

    assert texts(home, "trainer", "registry", newest=2) == ["two", "three"]


def test_half_a_line_is_read_when_it_is_whole(home: Home) -> None:
    home.log("trainer").write_text(entry(1, "one"))
    two = entry(2, "two")

    followed = _followed(home, lambda: _append(home, two[:10]), lambda: _append(home, two[10:]))

    assert followed == ["one", "two"]


def test_following_goes_on_after_the_file_was_emptied(home: Home) -> None:
    home.log("trainer").write_text(entry(1, "one") * 50)

    def rotate() -> None:
        bound_sizes(home, largest=100)
        _append(home, entry(2, "after"))

    assert _followed(home, rotate)[-2:] == ["one", "after"]


def test_a_large_log_is_moved_aside_and_still_read(home: Home) -> None:
    home.log("trainer").write_text(entry(1, "old") * 50)
    bound_sizes(home, largest=100)
    _append(home, entry(2, "new"))

    assert home.log("trainer").stat().st_size < 100
    assert texts(home, "trainer")[-2:] == ["old", "new"]


def test_a_process_that_has_the_file_open_writes_on_at_its_new_end(home: Home) -> None:
    with home.log("trainer").open("a") as held:
        held.write(entry(1, "old") * 50)
        held.flush()
        bound_sizes(home, largest=100)
        held.write(entry(2, "new"))

    assert home.log("trainer").read_text() == entry(2, "new")


def _append(home: Home, text: str) -> None:
    with home.log("trainer").open("a") as file:
        file.write(text)


def _followed(home: Home, *steps: Callable[[], None]) -> list[str]:
    """What is read while the steps happen, one in each pause: following needs no clock here."""
    left = list(steps)
    looks = iter(range(len(steps) + 1))

    def pause(_seconds: float) -> None:
        if left:
            left.pop(0)()

    lines = follow(home, ["trainer"], pause=pause, going=lambda: next(looks, None) is not None)
    return [str(line.fields["event"]) if line.fields else line.text for line in lines]
