"""Ticks of a cron expression, without a clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from murmur_trainer.domain.line import Line
from murmur_trainer.domain.schedule import BadField, Schedule, fault
from murmur_trainer.domain.workflow import fire

QUARTERLY = Schedule("0 0 1 1,4,7,10 *")
CRONS = ("0 0 1 1,4,7,10 *", "*/5 * * * *", "30 2 29 2 *", "0 12 * * MON-FRI", "0 0 L * *")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_tick_is_the_last_of_its_own_moment_and_not_the_next() -> None:
    tick = at("2005-10-01")
    assert QUARTERLY.last_until(tick) == tick
    assert QUARTERLY.next_after(tick) == at("2006-01-01")
    assert QUARTERLY.is_tick(tick)
    assert not QUARTERLY.is_tick(tick + timedelta(microseconds=1))


def test_a_moment_before_a_tick_does_not_reach_it() -> None:
    just_before = at("2005-10-01") - timedelta(microseconds=1)
    assert QUARTERLY.around(just_before) == (at("2005-07-01"), at("2005-10-01"))


@given(
    cron=st.sampled_from(CRONS),
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
)
def test_the_ticks_around_a_moment_enclose_it_and_nothing_lies_between(cron: str, moment: datetime) -> None:
    schedule = Schedule(cron)
    before, after = schedule.around(moment)
    assert before <= moment < after
    assert schedule.is_tick(before)
    assert schedule.is_tick(after)
    assert schedule.next_after(before) == after


@given(late=st.timedeltas(timedelta(0), timedelta(days=900)))
def test_however_late_a_timer_fires_it_trains_once_and_waits_for_what_is_to_come(late: timedelta) -> None:
    tick = at("2005-10-01")
    ticks = fire(QUARTERLY, tick=tick, now=tick + late)
    assert tick <= ticks.due <= tick + late < ticks.next
    assert QUARTERLY.next_after(ticks.due) == ticks.next


@pytest.mark.parametrize(
    ("cron", "bad"),
    [
        ("60 * * * *", BadField(index=0, reason="bad minute")),
        ("* 24 * * *", BadField(index=1, reason="bad hour")),
        ("* * 32 * *", BadField(index=2, reason="bad day-of-month")),
        ("* * 30 2 *", BadField(index=2, reason="bad day-of-month")),
        ("* * * 13 *", BadField(index=3, reason="bad month")),
        ("* * * * 8", BadField(index=4, reason="bad day-of-week")),
        ("* * *", BadField(index=None, reason="it has 3 fields, a cron expression has five")),
        ("0 0 1 1,4,7,10 *", None),
    ],
)
def test_the_field_that_makes_a_cron_expression_unusable_is_named(cron: str, bad: BadField | None) -> None:
    assert fault(cron) == bad


def test_a_line_trains_one_and_keeps_the_order_of_the_others() -> None:
    line = Line(workflow="credit").joined("a").joined("b").joined("c")
    assert (line.active, line.waiting) == ("a", ("b", "c"))
    assert line.left("c") == line
    assert (line.left("a").active, line.left("a").waiting) == ("b", ("c",))
    assert line.left("a").left("b").left("c") == Line(workflow="credit")
