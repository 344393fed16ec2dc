"""Records of `prediction.logged` in, windows in a table out; whatever comes again, late, too early or broken."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from monitor_facts import START, People, predictions, spread

from murmur_events import Event, InvalidPayload
from murmur_kernel.errors import StoreUnavailable
from murmur_kernel.store import RawRecord
from murmur_kernel.testing import Harness, ManualClock
from murmur_monitor.batches import NotFoldable
from murmur_monitor.codec import decode, decode_key
from murmur_monitor.domain.folding import ColumnsDiffer
from murmur_monitor.domain.windows import Calendar, as_millis
from murmur_monitor.intake import Intake, UnknownDeployment
from murmur_monitor.repository import MonitorUnitOfWork

FIVE = Calendar.of(timedelta(minutes=5))
RecordOf = Callable[[Event], RawRecord]


class Announcements:
    """Calendars of deployments; a test decides who is known and when. `missing` questions are answered with None."""

    def __init__(self, calendar: Calendar | None = FIVE, *, missing: int = 0, away: int = 0) -> None:
        self._calendar = calendar
        self._missing = missing
        self._away = away
        self.asked = 0

    async def __call__(self, deployment: str) -> Calendar | None:
        self.asked += 1
        if self.asked <= self._away:
            raise StoreUnavailable("disk full")
        return None if self.asked <= self._away + self._missing else self._calendar


def intake(calendars: Announcements, *, late: float = 600, patience: float = 0) -> Intake:
    return Intake(
        calendars,
        ManualClock(START + timedelta(days=1)),
        sample_rows=200,
        late=timedelta(seconds=late),
        clock_skew=timedelta(minutes=5),
        patience=timedelta(seconds=patience),
    )


@pytest.fixture
def record_of() -> RecordOf:
    harness: Harness[MonitorUnitOfWork] = Harness(MonitorUnitOfWork, kinds=(), service="monitor")
    return harness.record_of


def rows_by_window(table: dict[bytes, bytes]) -> dict[float, int]:
    """Minutes after START -> rows."""
    begin = as_millis(START)
    return {(decode_key(key).window.start - begin) / 60_000: decode(fold).rows for key, fold in sorted(table.items())}


async def test_rows_go_to_the_windows_of_their_times(record_of: RecordOf) -> None:
    table: dict[bytes, bytes] = {}
    batch = predictions(People(1).rows(100), spread(100, over=timedelta(minutes=10)))
    table |= await intake(Announcements()).take(record_of(batch), table)
    assert rows_by_window(table) == {0: 50, 5: 50}


async def test_rows_of_batches_are_in_no_window(record_of: RecordOf) -> None:
    """A batch of old rows among live ones changes nothing of what is known of the live ones."""
    rows, times = People(1).rows(100), spread(100, over=timedelta(minutes=10))
    mixed = predictions(rows, times)
    marked = mixed.model_copy(update={"in_batches": tuple(row % 4 == 0 for row in range(100))})
    only = mixed.model_copy(update={"in_batches": (True,) * 100})
    part = intake(Announcements())
    assert rows_by_window(await part.take(record_of(mixed), {})) == {0: 50, 5: 50}
    assert rows_by_window(await part.take(record_of(marked), {})) == {0: 37, 5: 38}
    assert await part.take(record_of(only), {}) == {}


async def test_marks_of_another_length_make_no_sense(record_of: RecordOf) -> None:
    odd = predictions(People(1).rows(4), spread(4)).model_copy(update={"in_batches": (True,)})
    with pytest.raises(NotFoldable, match="'in_batches': 1"):
        await intake(Announcements()).take(record_of(odd), {})


async def test_a_record_that_comes_again_changes_nothing(record_of: RecordOf) -> None:
    table: dict[bytes, bytes] = {}
    record = record_of(predictions(People(1).rows(100), spread(100)))
    part = intake(Announcements())
    table |= await part.take(record, table)
    before = dict(table)
    table |= await part.take(record, table)
    assert table == before


async def test_a_crash_between_the_windows_of_a_record_is_made_good(record_of: RecordOf) -> None:
    """The changelog may hold one of two windows when the process dies; the record then comes again."""
    table: dict[bytes, bytes] = {}
    record = record_of(predictions(People(1).rows(100), spread(100, over=timedelta(minutes=10))))
    table |= await intake(Announcements()).take(record, table)
    whole = dict(table)
    del table[sorted(table)[1]]
    table |= await intake(Announcements()).take(record, table)
    assert table == whole


async def test_versions_have_windows_of_their_own(record_of: RecordOf) -> None:
    table: dict[bytes, bytes] = {}
    part = intake(Announcements())
    table |= await part.take(record_of(predictions(People(1).rows(10), spread(10))), table)
    table |= await part.take(record_of(predictions(People(1).rows(10), spread(10), version=2, segment="s2")), table)
    assert [decode_key(key).version for key in sorted(table)] == [1, 2]


async def test_a_late_row_counts_until_its_window_is_let_go_of(record_of: RecordOf) -> None:
    table: dict[bytes, bytes] = {}
    part = intake(Announcements(), late=600)
    people = People(1)
    for number, minutes in enumerate((20, 5, 0)):
        moments = spread(10, start=START + timedelta(minutes=minutes))
        table |= await part.take(record_of(predictions(people.rows(10), moments, segment=str(number))), table)
    assert rows_by_window(table) == {20: 10, 5: 10}


async def test_windows_far_behind_the_newest_one_expire(record_of: RecordOf) -> None:
    table: dict[bytes, bytes] = {}
    part = intake(Announcements(), late=600)
    for number in range(6):
        moments = spread(10, start=START + timedelta(minutes=5 * number))
        table |= await part.take(record_of(predictions(People(1).rows(10), moments, segment=str(number))), table)
    expired = part.expired(decode_key(key) for key in table)
    assert sorted((key.window.start - as_millis(START)) // 60_000 for key in expired) == [0, 5]


async def test_a_broken_record_leaves_the_table_as_it_was(record_of: RecordOf) -> None:
    table: dict[bytes, bytes] = {}
    part = intake(Announcements())
    good = predictions(People(1).rows(10), spread(10))
    table |= await part.take(record_of(good), table)
    before = dict(table)
    broken = record_of(good)
    with pytest.raises(InvalidPayload):
        table |= await part.take(replace(broken, value=b"{not json"), table)
    with pytest.raises(NotFoldable):
        table |= await part.take(record_of(good.model_copy(update={"statuses": (200,)})), table)
    other = good.model_copy(update={"features": {"age": good.outputs}, "segment": "other"})
    with pytest.raises(ColumnsDiffer):
        table |= await part.take(record_of(other), table)
    assert table == before


async def test_predictions_wait_for_the_news_that_their_deployment_exists(record_of: RecordOf) -> None:
    table: dict[bytes, bytes] = {}
    late_news = Announcements(missing=2)
    table |= await intake(late_news, patience=10).take(record_of(predictions(People(1).rows(10), spread(10))), table)
    assert late_news.asked == 3
    assert rows_by_window(table) == {0: 10}


async def test_a_stranger_is_given_up_and_then_waited_for_no_more(record_of: RecordOf) -> None:
    nobody = Announcements(None)
    part = intake(nobody, patience=0.3)
    record = record_of(predictions(People(1).rows(10), spread(10)))
    with pytest.raises(UnknownDeployment, match=r"no model\.deployed of 'credit' was handled within 0\.3 s"):
        await part.take(record, {})
    asked = nobody.asked
    assert asked > 1
    with pytest.raises(UnknownDeployment):
        await part.take(record, {})
    assert nobody.asked == asked + 1


async def test_a_store_that_is_away_is_waited_for(record_of: RecordOf) -> None:
    table: dict[bytes, bytes] = {}
    table |= await intake(Announcements(away=2)).take(record_of(predictions(People(1).rows(10), spread(10))), table)
    assert rows_by_window(table) == {0: 10}
