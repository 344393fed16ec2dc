"""Predictions looked up by their request id: the whole row while Kafka keeps it, what the book knows after that."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from label_desk import Desk, MakeDesk
from label_facts import feedback, logged, names
from monitor_facts import START
from watched_credit import say, watched_credit

from murmur_events import Event
from murmur_events.serving import PredictionLogged
from murmur_kernel.bus.memory import MemoryBroker
from murmur_kernel.testing import eventually
from murmur_monitor.looking_up import in_words


@dataclass
class Door:
    client: httpx.AsyncClient
    broker: MemoryBroker

    async def say(self, event: Event) -> None:
        await say(self.broker, event)

    async def look_up(self, request_id: str, *, name: str = "credit") -> httpx.Response:
        return await self.client.get(f"/v1/deployments/{name}/predictions/{request_id.replace('#', '%23')}")

    async def found(self, request_id: str, count: int = 1) -> list[dict[str, Any]]:
        """Its predictions, once there are so many."""

        async def known() -> list[dict[str, Any]]:
            answer = await self.look_up(request_id)
            items: list[dict[str, Any]] = answer.json().get("predictions", [])
            return items if len(items) >= count else []

        return await eventually(known)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """Credit serves; predictions are joined, and looked up, in a broker in memory."""
    broker = MemoryBroker()
    async with watched_credit(tmp_path, broker) as client:
        yield Door(client, broker)


def batch(request_ids: tuple[str, ...], **more: Any) -> PredictionLogged:
    """Rows that are told apart by their amounts: 0, 1, 2 …; the second has no income."""
    count = len(request_ids)
    features = {
        "amount": tuple(float(number) for number in range(count)),
        "income": tuple(None if number == 1 else 10.0 * number for number in range(count)),
    }
    return logged(request_ids, **more).model_copy(
        update={"features": features, "trace_ids": tuple(f"trace-{number}" for number in range(count))}
    )


async def test_a_prediction_is_shown_whole_with_its_window_and_its_label(door: Door) -> None:
    outputs = [number / 10 for number in range(10)]
    await door.say(batch(names(10), outputs=outputs))
    await door.say(feedback(["q-1"], [1.0]))

    async def labelled() -> list[dict[str, Any]]:
        (one,) = await door.found("q-1")
        return [one] if one["label"] else []

    (one,) = await eventually(labelled)
    assert (one["version"], one["output"]) == (1, 0.1)
    assert (one["label"]["value"], one["label"]["too_late"]) == (1.0, False)
    assert (one["window"]["revision"] is not None, one["window"]["outcome"]) == (True, "not_tested")
    row = one["row"]
    assert row["features"] == {"amount": 1.0, "income": None}
    assert (row["status"], row["latency_ms"], row["replica"], row["trace_id"]) == (200, 1.0, "credit-1", "trace-1")
    assert (row["record"]["topic"], row["record"]["row"]) == ("prediction.logged", 1)
    assert one["row_missing"] == ""


async def test_the_right_row_is_found_among_failed_nameless_and_repeated_ones(door: Door) -> None:
    """Rows that are not kept are counted over: the place is that of the row in its record."""
    ids = ("a", "", "b", "many", "many", "many", "c")
    outputs = [None, 0.5, float("nan"), 0.1, 0.2, 0.3, 0.4]
    await door.say(batch(ids, outputs=outputs, statuses=[503, 200, 200, 200, 200, 200, 200]))
    await door.say(batch((*ids, "d"), outputs=[*outputs, 0.9], statuses=[503, *(200,) * 7]))  # the first seven again
    for name, amount in (("many", 3.0), ("many#1", 4.0), ("many#2", 5.0), ("c", 6.0), ("c#0", 6.0), ("d", 7.0)):
        (one,) = await door.found(name)
        assert one["row"]["features"]["amount"] == amount, name
    for name in ("a", "b", "many#3"):
        assert (await door.look_up(name)).status_code == 404


async def test_every_attempt_of_a_request_is_shown_newest_first(door: Door) -> None:
    await door.say(batch(("x", "again"), segment="one"))
    await door.say(batch(("again",), segment="shadow", version=2, start=START + timedelta(minutes=1)))
    found = await door.found("again", 2)
    assert [(one["version"], one["row"]["features"]["amount"]) for one in found] == [(2, 0.0), (1, 1.0)]
    assert found[0]["window"]["revision"] is None  # that version's window has not closed


async def test_a_row_whose_record_is_gone_says_how_long_rows_are_kept(door: Door) -> None:
    await door.say(batch(names(3), outputs=[0.1, 0.2, 0.3]))
    await door.found("q-2")
    for place in [place for place in door.broker.log if place.topic == "prediction.logged"]:
        door.broker.log[place].clear()
    (one,) = await door.found("q-2")
    assert (one["output"], one["row"]) == (0.3, None)
    assert "prediction.logged keeps rows for 7 days" in one["row_missing"]


async def test_another_record_in_its_place_is_not_taken_for_it(door: Door) -> None:
    await door.say(batch(names(3)))
    await door.found("q-2")
    (place,) = [place for place in door.broker.log if place.topic == "prediction.logged"]
    door.broker.log[place].clear()
    await door.say(batch(names(3, "other")))
    (one,) = await door.found("q-2")
    assert one["row"] is None
    assert "holds another record" in one["row_missing"]


async def test_an_unknown_id_is_told_how_long_predictions_are_kept(door: Door) -> None:
    answer = await door.look_up("no/such-id")
    assert answer.status_code == 404
    detail = answer.json()["detail"]
    assert "'no/such-id' of 'credit'" in detail
    assert "kept for 10,000 days (monitoring.quality.label_delay)" in detail
    assert (await door.look_up("x", name="nobody")).status_code == 404


async def test_an_id_of_any_shape_is_found(door: Door) -> None:
    await door.say(batch(("tenant/7 ü",)))
    assert len(await door.found("tenant/7 ü")) == 1


async def test_places_are_forgotten_with_their_predictions(desk_with: MakeDesk) -> None:
    desk = desk_with(generation_rows=100, most_rows=250)
    for number in range(5):
        await desk.heard(logged(names(100, f"b{number}"), segment=f"s{number}"))
    await desk.measured()
    assert await desk.book.find("credit", "b0-1") == []
    (one,) = await desk.book.find("credit", "b4-1")
    assert one.place is not None
    assert one.place.number == 1
    assert await _places(desk) == 2


async def test_a_book_that_kept_no_places_says_so(desk: Desk) -> None:
    await desk.heard(logged(names(3)))
    await desk.book._writing(lambda book: book.execute("DELETE FROM records"))
    (one,) = await desk.book.find("credit", "q-1")
    assert (one.output, one.place) == (0.5, None)


async def test_a_label_that_came_too_late_is_shown_as_such(desk: Desk) -> None:
    await desk.heard(logged(names(3)))
    desk.monitor.clock.advance(timedelta(days=8).total_seconds())
    await desk.heard(feedback(["q-1"], [1.0]))
    (one,) = await desk.book.find("credit", "q-1")
    assert one.label is not None
    assert one.label.too_late
    assert [found.label for found in await desk.book.find("credit", "q-2")] == [None]


async def _places(desk: Desk) -> int:
    count: int = await desk.book._writing(lambda book: book.execute("SELECT count(*) FROM records").fetchone()[0])
    return count


def test_lengths_in_words() -> None:
    lengths = (timedelta(days=7), timedelta(days=1), timedelta(hours=36), timedelta(seconds=90))
    assert [in_words(one) for one in lengths] == ["7 days", "1 day", "36 hours", "90 seconds"]
