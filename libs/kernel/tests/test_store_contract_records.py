"""Parked records and dead letters: every store keeps the same promises about them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from counting import COUNTERS, Counter, write

from murmur_kernel.errors import BadCursor
from murmur_kernel.store import ChangeSet, DeadLetter, LetterEdit, LetterQuery, Parked, RawRecord, Store
from murmur_kernel.testing import StoreName, opened_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def store(any_store: StoreName) -> AsyncIterator[Store]:
    async with opened_store(any_store, [COUNTERS]) as opened:
        yield opened


def record(offset: int = 0, key: str = "credit") -> RawRecord:
    return RawRecord(
        topic="training.requested", partition=0, offset=offset, key=key, value=b"\x00\xff", headers=(("ce_id", b"x"),)
    )


def parked(parked_id: str, awaits: str, key: str = "credit") -> Parked:
    return Parked(id=parked_id, record=record(key=key), awaits=awaits, deadline=NOW + timedelta(minutes=1))


async def test_a_parked_record_is_released_by_the_document_it_awaits(store: Store) -> None:
    await store.commit(ChangeSet(parked=parked("p", "counter/a")))
    await store.commit(ChangeSet(parked=parked("q", "counter/b")))
    assert await store.blocked("training.requested", "credit")
    assert not await store.blocked("training.requested", "fraud")
    assert not await store.blocked("training.skipped", "credit")
    await store.commit(ChangeSet(documents=[write(Counter("a"))]))
    (released,) = await store.parked(ready=True)
    assert released.id == "p"
    assert released.record == record()
    await store.commit(ChangeSet(unparked="p"))
    assert [waiting.id for waiting in await store.parked()] == ["q"]


async def test_a_record_parked_after_its_document_came_is_released_at_once(store: Store) -> None:
    await store.commit(ChangeSet(documents=[write(Counter("a"))]))
    await store.commit(ChangeSet(parked=parked("p", "counter/a")))
    assert [waiting.ready for waiting in await store.parked()] == [True]


async def test_a_record_that_awaits_nothing_is_ready(store: Store) -> None:
    await store.commit(ChangeSet(parked=parked("p", "")))
    assert [one.id for one in await store.parked(ready=True)] == ["p"]


async def test_a_record_that_is_parked_again_keeps_its_place_and_its_correction(store: Store) -> None:
    """An edited letter that was handed in again, and the same event as the broker still has it."""
    edit = LetterEdit(at=NOW, by="olga", reason="mended", before=b"\x00\xff")
    corrected = replace(parked("p", ""), record=replace(record(), value=b"corrected"), edits=(edit,))
    later = NOW + timedelta(minutes=5)
    await store.commit(ChangeSet(parked=corrected))
    await store.commit(ChangeSet(parked=parked("q", "counter/a")))
    await store.commit(ChangeSet(parked=replace(parked("p", "counter/b"), deadline=later)))
    first, second = await store.parked()
    assert first == replace(corrected, awaits="counter/b", deadline=later, ready=False)
    assert second.id == "q"


async def test_parked_records_are_counted_and_those_whose_deadline_has_passed(store: Store) -> None:
    for name in ("p", "q"):
        await store.commit(ChangeSet(parked=parked(name, "counter/a")))
    deadline = (await store.parked())[0].deadline
    assert await store.count_parked() == 2
    assert await store.count_parked(expired_at=deadline - timedelta(seconds=1)) == 0
    assert await store.count_parked(expired_at=deadline) == 2


async def test_dead_letters_keep_the_record_untouched(store: Store) -> None:
    letter = DeadLetter(id="d", record=record(), error="InvalidPayload", reason="because", at=NOW)
    await store.commit(ChangeSet(dead_letter=letter))
    assert await store.dead_letters() == [letter]
    await store.commit(ChangeSet(undead="d"))
    assert await store.dead_letters() == []


async def test_dead_letters_are_found_counted_and_paged_in_either_order(store: Store) -> None:
    for number in range(7):
        letter = DeadLetter(
            id=f"d{number}",
            record=replace(record(offset=100 - number), topic="run.started" if number % 2 else "run.failed"),
            error="Expired" if number == 3 else "InvalidPayload",
            reason="because",
            at=NOW + timedelta(seconds=number),
        )
        await store.commit(ChangeSet(dead_letter=letter))
    assert dict(await store.letter_counts()) == {"run.failed": 4, "run.started": 3}

    async def ids(query: LetterQuery) -> list[str]:
        found: list[str] = []
        while True:
            page = await store.letters(query)
            found += [letter.id for letter in page.items]
            if page.next is None:
                return found
            query = replace(query, cursor=page.next)

    assert await ids(LetterQuery(limit=3)) == ["d6", "d5", "d4", "d3", "d2", "d1", "d0"]
    assert await ids(LetterQuery(order="place", limit=2)) == ["d6", "d4", "d2", "d0", "d5", "d3", "d1"]
    assert await ids(LetterQuery(topic="run.started", error="InvalidPayload")) == ["d5", "d1"]
    within = LetterQuery(since=NOW + timedelta(seconds=2), until=NOW + timedelta(seconds=4))
    assert await ids(within) == ["d3", "d2"]
    with pytest.raises(BadCursor):
        await store.letters(LetterQuery(cursor="nonsense"))


async def test_the_edits_of_a_dead_letter_are_kept(store: Store) -> None:
    edit = LetterEdit(at=NOW, by="olga", reason="mended", before=b"\xff")
    letter = DeadLetter(id="d", record=record(), error="InvalidPayload", reason="because", at=NOW, edits=(edit,))
    await store.commit(ChangeSet(dead_letter=letter))
    assert await store.letter("d") == letter
    assert await store.letter("other") is None
