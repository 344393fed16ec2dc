"""Every moment belongs to exactly one window, also where the length of windows was changed."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from murmur_monitor.domain.windows import Calendar, Span, Window, as_millis

MINUTE = 60_000


def test_windows_of_one_length_start_on_its_multiples() -> None:
    calendar = Calendar.of(timedelta(minutes=1))
    assert calendar.window_of(61_000) == Window(MINUTE, 2 * MINUTE)
    assert calendar.window_of(2 * MINUTE) == Window(2 * MINUTE, 3 * MINUTE)


def test_another_length_counts_only_for_windows_that_start_later() -> None:
    calendar = Calendar.of(timedelta(minutes=10)).changed(timedelta(minutes=3), after=12 * MINUTE)
    assert calendar.window_of(19 * MINUTE) == Window(10 * MINUTE, 20 * MINUTE)
    assert calendar.window_of(20 * MINUTE) == Window(20 * MINUTE, 23 * MINUTE)


def test_a_change_back_before_it_began_is_no_change() -> None:
    calendar = Calendar.of(timedelta(minutes=10))
    there = calendar.changed(timedelta(minutes=3), after=12 * MINUTE)
    assert there.changed(timedelta(minutes=10), after=13 * MINUTE) == calendar


def test_the_same_length_again_is_no_change() -> None:
    calendar = Calendar.of(timedelta(minutes=10))
    assert calendar.changed(timedelta(minutes=10), after=MINUTE) == calendar


def test_no_window_is_shorter_than_a_second() -> None:
    assert Calendar.of(timedelta(0)).spans == (Span(0, 1000),)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="names no zone"):
        as_millis(datetime(2026, 1, 1))


@settings(deadline=None)
@given(
    moments=st.lists(st.integers(0, 10**7), min_size=1, max_size=50),
    changes=st.lists(st.tuples(st.integers(1, 900), st.integers(0, 10**6)), max_size=5),
)
def test_windows_tile_all_time(moments: list[int], changes: list[tuple[int, int]]) -> None:
    calendar, after = Calendar.of(timedelta(seconds=60)), 0
    for seconds, later in changes:
        after += later
        calendar = calendar.changed(timedelta(seconds=seconds), after=after)
    split = calendar.split(np.array(moments, dtype=np.int64))
    assert sorted(np.concatenate(list(split.values())).tolist()) == list(range(len(moments)))
    for window, positions in split.items():
        assert all(window.start <= moments[position] < window.end for position in positions)
        assert calendar.window_of(window.start) == window
        assert calendar.window_of(window.end).start == window.end


@settings(deadline=None)
@given(moment=st.integers(0, 10**7), seconds=st.integers(1, 900), after=st.integers(0, 10**7))
def test_a_change_moves_no_row_that_was_folded_before(moment: int, seconds: int, after: int) -> None:
    calendar = Calendar.of(timedelta(seconds=60))
    if moment <= after:
        assert calendar.changed(timedelta(seconds=seconds), after=after).window_of(moment) == calendar.window_of(moment)
