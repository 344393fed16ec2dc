"""Labels by REST: what is taken, what is refused and in which words, and that they arrive in the windows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from label_facts import logged, names
from watched_credit import say, watched_credit

from murmur_events import Event
from murmur_kernel.bus.memory import MemoryBroker
from murmur_kernel.testing import eventually
from murmur_monitor.domain.labels import MOST_ROWS

PATH = "/v1/deployments/credit/feedback"


class Door:
    """The monitor's REST door, with a broker in memory behind it."""

    def __init__(self, client: httpx.AsyncClient, broker: MemoryBroker) -> None:
        self.client = client
        self.broker = broker

    async def give(self, *rows: dict[str, Any], key: str | None = None, path: str = PATH) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post(path, json={"rows": rows}, headers=headers)

    async def say(self, event: Event) -> None:
        await say(self.broker, event)

    async def window(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = (await self.client.get("/v1/deployments/credit/windows")).json()["items"]
        return found[0]

    @property
    def said(self) -> int:
        return len(self.broker.records("feedback.recorded"))


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """Credit serves; one window of it has closed. Predictions are joined from the broker in memory."""
    broker = MemoryBroker()
    async with watched_credit(tmp_path, broker) as client:
        yield Door(client, broker)


async def test_labels_arrive_in_the_window_of_their_predictions(door: Door) -> None:
    await door.say(logged(names(20), outputs=[0.9, 0.1] * 10))
    answer = await door.give(*({"request_id": name, "label": number % 2} for number, name in enumerate(names(20))))
    assert answer.status_code == 202, answer.text
    assert answer.json()["labels"] == 20

    async def labelled() -> bool:
        return bool((await door.window())["labelled"] == 20)

    await eventually(labelled)
    window = await door.window()
    assert (window["revision"], window["quality"]["auc"]) == (2, 0.0)
    counts = (await door.client.get("/v1/deployments/credit/labels")).json()
    assert (counts["received"], counts["joined"], counts["waiting"]) == (20, 20, 0)


async def test_a_call_that_is_repeated_says_it_once(door: Door) -> None:
    answers = [await door.give({"request_id": "q", "label": 1}, key="k") for _ in range(2)]
    assert answers[0].json() == answers[1].json()

    async def said() -> bool:
        return door.said == 1

    await eventually(said)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([], "rows is empty"),
        ([{"request_id": "", "label": 1}], "request_id '' names no request"),
        ([{"request_id": "q-1", "label": "nan"}], "label nan of request 'q-1' is no number"),
        ([{"request_id": "q-1", "label": "inf"}], "label inf of request 'q-1' is no number"),
        ([{"request_id": "q-1", "label": None}], "rows.0.label"),
        (
            [{"request_id": "q-1", "label": 1}, {"request_id": "q-1#0", "label": 0}],
            "request 'q-1#0' has the labels [0.0, 1.0]: send one of them",
        ),
        ([{"request_id": "q-1", "label": 1, "time": "2026-01-01T00:00:00"}], "'2026-01-01T00:00:00' names no zone"),
        (
            [{"request_id": "q-1", "label": 1, "time": "2062-01-01T00:00:00Z"}],
            "time '2062-01-01T00:00:00+00:00' of request 'q-1' is in the future",
        ),
        ([{"request_id": f"q-{row}", "label": 1} for row in range(MOST_ROWS + 1)], "10,001 rows are too many"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(door: Door, rows: list[dict[str, Any]], complaint: str) -> None:
    answer = await door.give(*rows)
    assert answer.status_code == 422
    assert complaint in answer.json()["detail"]
    assert door.said == 0


async def test_a_clock_that_is_a_little_fast_is_borne_with(door: Door) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=1)
    answer = await door.give({"request_id": "q-1", "label": 1, "time": soon.isoformat()})
    assert answer.status_code == 202, answer.text


async def test_the_same_label_twice_in_a_call_is_one(door: Door) -> None:
    answer = await door.give({"request_id": "q-1", "label": 1}, {"request_id": "q-1#0", "label": 1})
    assert (answer.status_code, answer.json()["labels"]) == (202, 1)


async def test_a_deployment_that_is_not_watched_is_not_found(door: Door) -> None:
    answer = await door.give({"request_id": "q", "label": 1}, path="/v1/deployments/nobody/feedback")
    assert answer.status_code == 404
    assert "'nobody'" in answer.json()["detail"]
    assert (await door.client.get("/v1/deployments/nobody/labels")).status_code == 404
