"""Every store keeps the same promises: the same scenarios run against each."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from counting import COUNTERS, Counter, requested, write

from murmur_events import Envelope
from murmur_kernel.documents import Query
from murmur_kernel.errors import BadCursor, Conflict, Duplicate, LeaseLost
from murmur_kernel.store import (
    ChangeSet,
    Fence,
    JobRow,
    JobState,
    Store,
)
from murmur_kernel.testing import StoreName, opened_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def store(any_store: StoreName) -> AsyncIterator[Store]:
    async with opened_store(any_store, [COUNTERS]) as opened:
        yield opened


def envelope(event_id: str = "e1", key: str = "credit") -> Envelope:
    return Envelope(
        id=event_id,
        source="trainer",
        topic="training.requested",
        key=key,
        time=NOW,
        sequence=0,
        correlation_id="c",
        causation_id=None,
        event=requested(key),
    )


def job(job_id: str = "j1", *, due: datetime = NOW, kind: str = "count") -> JobRow:
    return JobRow(id=job_id, kind=kind, payload="{}", due=due, correlation_id="c", causation_id=None)


async def test_a_document_is_found_as_it_was_saved(store: Store) -> None:
    await store.commit(ChangeSet(documents=[write(Counter("a", 1))]))
    found = await store.get("counter", "a")
    assert found is not None
    assert COUNTERS.load(found.body) == Counter("a", 1)
    assert found.version == 1
    assert await store.get("counter", "b") is None


async def test_a_save_over_a_version_that_has_gone_is_a_conflict_and_changes_nothing(store: Store) -> None:
    await store.commit(ChangeSet(documents=[write(Counter("a", 1))]))
    await store.commit(ChangeSet(documents=[write(Counter("a", 2), expected=1)]))
    for stale in (0, 1):
        with pytest.raises(Conflict):
            await store.commit(
                ChangeSet(
                    mark="m", documents=[write(Counter("b")), write(Counter("a", 9), stale)], envelopes=[envelope()]
                )
            )
    assert await store.get("counter", "b") is None
    assert not await store.handled("m")
    assert await store.outbox(10) == []


async def test_a_save_that_expects_nothing_in_particular_overwrites(store: Store) -> None:
    await store.commit(ChangeSet(documents=[write(Counter("a", 1), None)]))
    await store.commit(ChangeSet(documents=[write(Counter("a", 2), None)]))
    found = await store.get("counter", "a")
    assert found is not None
    assert (COUNTERS.load(found.body).value, found.version) == (2, 2)


async def test_a_second_change_under_the_same_mark_is_a_duplicate(store: Store) -> None:
    await store.commit(ChangeSet(mark="m", documents=[write(Counter("a"))]))
    with pytest.raises(Duplicate):
        await store.commit(ChangeSet(mark="m", documents=[write(Counter("b"))]))
    assert await store.handled("m")
    assert await store.get("counter", "b") is None


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("order_by", [None, "value", "group"])
async def test_pages_cover_all_rows_once_and_in_order(store: Store, order_by: str | None, descending: bool) -> None:
    counters = [Counter(f"c{n}", value=n % 3, group=None if n % 2 else "g") for n in range(11)]
    for counter in counters:
        await store.commit(ChangeSet(documents=[write(counter)]))
    seen: list[Counter] = []
    query = Query(order_by=order_by, descending=descending, limit=4)
    while True:
        page = await store.find("counter", query)
        seen += [COUNTERS.load(document.body) for document in page.items]
        if page.next is None:
            break
        query = replace(query, cursor=page.next)
    expected = list(counters)
    if order_by == "value":
        expected.sort(key=lambda counter: counter.value)
    elif order_by == "group":
        expected.sort(key=lambda counter: counter.group or "")
    if descending:
        expected = [c for _, c in sorted(enumerate(expected), key=lambda pair: -pair[0])]
    assert seen == expected


async def test_rows_are_filtered_by_their_indexes(store: Store) -> None:
    for counter in (Counter("a", 1, "x"), Counter("b", 1), Counter("c", 2, "x")):
        await store.commit(ChangeSet(documents=[write(counter)]))
    by_group = await store.find("counter", Query(where={"group": "x", "value": 1.0}))
    without = await store.find("counter", Query(where={"group": None}))
    assert [document.id for document in by_group.items] == ["a"]
    assert [document.id for document in without.items] == ["b"]


async def test_a_cursor_that_came_from_nowhere_is_refused(store: Store) -> None:
    with pytest.raises(BadCursor, match="did not come from a page"):
        await store.find("counter", Query(cursor="nonsense"))


async def test_the_outbox_keeps_the_order_of_commits_and_numbers_events_per_key(store: Store) -> None:
    await store.commit(ChangeSet(envelopes=[envelope("1", "a"), envelope("2", "b")]))
    await store.commit(ChangeSet(envelopes=[envelope("3", "a")]))
    rows = await store.outbox(10)
    assert [(row.envelope.id, row.envelope.sequence) for row in rows] == [("1", 1), ("2", 1), ("3", 2)]
    assert await store.outbox_depth() == (3, NOW)
    await store.published(rows[1].position)
    assert [row.envelope.id for row in await store.outbox(10)] == ["3"]


async def test_a_lease_is_held_by_one_until_it_expires(store: Store) -> None:
    later = NOW + timedelta(seconds=10)
    assert await store.lease("relay", "a", NOW, later)
    assert not await store.lease("relay", "b", NOW, later)
    assert await store.lease("relay", "a", NOW, later)
    assert await store.lease("relay", "b", later, later + timedelta(seconds=10))
    assert not await store.lease("relay", "a", later, later)


async def test_a_job_is_claimed_once_while_its_lease_lasts(store: Store) -> None:
    await store.commit(ChangeSet(jobs=[job(), job("later", due=NOW + timedelta(days=1))]))
    lease = NOW + timedelta(seconds=10)
    first = await store.claim(["count"], "a", NOW, lease)
    assert first is not None
    assert (first.id, first.attempt) == ("j1", 1)
    assert await store.claim(["count"], "b", NOW, lease) is None
    second = await store.claim(["count"], "b", lease, lease + timedelta(seconds=10))
    assert second is not None
    assert (second.id, second.attempt) == ("j1", 2)


async def test_an_attempt_that_was_taken_over_records_nothing(store: Store) -> None:
    await store.commit(ChangeSet(jobs=[job()]))
    await store.claim(["count"], "a", NOW, NOW)
    await store.claim(["count"], "b", NOW, NOW + timedelta(seconds=10))
    with pytest.raises(LeaseLost):
        await store.commit(ChangeSet(fence=Fence("j1", 1, completes=True), documents=[write(Counter("a"))]))
    assert await store.get("counter", "a") is None
    assert not await store.extend(Fence("j1", 1), NOW)
    await store.commit(ChangeSet(fence=Fence("j1", 2, completes=True), documents=[write(Counter("a"))]))
    assert await store.jobs() == []


async def test_a_job_that_ended_is_not_begun_again_under_the_same_id(store: Store) -> None:
    await store.commit(ChangeSet(jobs=[job()]))
    await store.claim(["count"], "a", NOW, NOW)
    await store.commit(ChangeSet(fence=Fence("j1", 1, completes=True)))
    await store.commit(ChangeSet(jobs=[job()]))
    assert await store.claim(["count"], "a", NOW, NOW) is None


async def test_a_cancelled_job_is_not_claimed_and_its_attempt_is_fenced(store: Store) -> None:
    await store.commit(ChangeSet(jobs=[job()]))
    await store.claim(["count"], "a", NOW, NOW + timedelta(seconds=10))
    await store.commit(ChangeSet(cancelled=["j1"]))
    assert not await store.extend(Fence("j1", 1), NOW)
    with pytest.raises(LeaseLost):
        await store.commit(ChangeSet(fence=Fence("j1", 1, completes=True)))


async def test_a_postponed_job_waits_for_its_new_date_and_a_given_up_one_is_kept(store: Store) -> None:
    await store.commit(ChangeSet(jobs=[job()]))
    await store.claim(["count"], "a", NOW, NOW)
    later = NOW + timedelta(minutes=1)
    await store.postpone(Fence("j1", 1), later, "away")
    assert await store.claim(["count"], "a", NOW, NOW) is None
    assert await store.claim(["count"], "a", later, later) is not None
    await store.give_up(Fence("j1", 2), "hopeless")
    (failed,) = await store.jobs(JobState.FAILED)
    assert failed.error == "hopeless"
    assert await store.claim(["count"], "a", later + timedelta(days=1), later) is None


async def test_an_attempt_that_is_postponed_unspent_is_counted_as_returned(store: Store) -> None:
    await store.commit(ChangeSet(jobs=[job()]))
    for attempt, spent in enumerate((False, True, False), start=1):
        await store.claim(["count"], "a", NOW, NOW)
        await store.postpone(Fence("j1", attempt), NOW, "away", spent=spent)
        await store.postpone(Fence("j1", attempt), NOW, "of an attempt that is over", spent=False)
    (waiting,) = await store.jobs()
    assert (waiting.state, waiting.attempt, waiting.returned, waiting.error) == (JobState.QUEUED, 3, 2, "away")


async def test_a_worker_that_disowns_its_jobs_frees_them_at_once(store: Store) -> None:
    await store.commit(ChangeSet(jobs=[job()]))
    await store.claim(["count"], "a", NOW, NOW + timedelta(days=1))
    await store.disown("a")
    assert await store.claim(["count"], "a", NOW, NOW) is not None


async def test_an_attempt_given_back_on_purpose_is_counted_and_its_number_is_not_used_again(store: Store) -> None:
    await store.commit(ChangeSet(jobs=[job()]))
    later = NOW + timedelta(days=1)
    await store.claim(["count"], "a", NOW, later)
    await store.disown("a", on_purpose=True)
    await store.disown("a", on_purpose=True)
    second = await store.claim(["count"], "b", NOW, later)
    assert second is not None
    assert (second.attempt, second.returned) == (2, 1)
    await store.disown("b")
    third = await store.claim(["count"], "b", NOW, later)
    assert third is not None
    assert (third.attempt, third.returned) == (3, 1)


async def test_an_answer_is_remembered(store: Store) -> None:
    assert await store.answer("k") is None
    await store.commit(ChangeSet(answer=("k", "42")))
    assert await store.answer("k") == "42"


async def test_marks_are_forgotten_in_batches_when_their_time_has_come(store: Store) -> None:
    for number in range(5):
        await store.commit(ChangeSet(mark=f"m{number}", forget_at=NOW, answer=(f"m{number}", "42")))
    await store.commit(ChangeSet(mark="later", forget_at=NOW + timedelta(seconds=1)))
    await store.commit(ChangeSet(mark="never"))
    assert [await store.forget_marks(NOW, 3) for _ in range(3)] == [3, 2, 0]
    assert [await store.handled(mark) for mark in ("m0", "later", "never")] == [False, True, True]
    assert await store.answer("m0") is None
