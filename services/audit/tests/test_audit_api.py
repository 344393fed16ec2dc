"""Audit's REST door, over the fake broker."""

import base64
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from audit_records import NOON, event, nonsense, started
from audit_running import RunningAudit, Starting

from murmur_kernel.testing import eventually
from murmur_ledger.checkpoints import Checkpoint
from murmur_ledger.frames import entry_hash
from murmur_ledger.keys import public_from

Json = dict[str, Any]


@pytest.fixture
async def told(running: RunningAudit) -> RunningAudit:
    """Two chains on two topics, a digest, and something unreadable."""
    await running.say(
        started("r-1", correlation="chain-a", number=1),
        event("run.completed", "r-1", correlation="chain-a", number=2),
        started("r-2", correlation="chain-b", number=3),
    )
    await running.say(event("prediction.logged", "credit", number=4))
    await running.say(nonsense())
    return running


async def items(running: RunningAudit, **query: object) -> list[Json]:
    found: list[Json] = (await running.client.get("/entries", params={k: str(v) for k, v in query.items()})).json()[
        "items"
    ]
    return found


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"correlation_id": "chain-a"}, ["run.completed-r-1-2", "run.started-r-1-1"]),
        ({"correlation_id": "chain"}, ["run.started-r-2-3", "run.completed-r-1-2", "run.started-r-1-1"]),
        ({"topic": "run.completed"}, ["run.completed-r-1-2"]),
        ({"topic": "run.started", "key": "r-2"}, ["run.started-r-2-3"]),
        ({"event_id": "run.started-r-2"}, ["run.started-r-2-3"]),
        ({"since": NOON + timedelta(minutes=3), "until": NOON + timedelta(minutes=4)}, ["run.started-r-2-3"]),
        ({"topic": "prediction.logged"}, [""]),
        ({"key": "nobody"}, []),
    ],
)
async def test_entries_are_found_by_what_they_say(told: RunningAudit, query: Json, ids: list[str]) -> None:
    assert [item["event_id"] for item in await items(told, **query)] == ids


async def test_pages_go_on_where_the_one_before_ended(told: RunningAudit) -> None:
    seen, cursor = [], None
    while True:
        query: Json = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await told.client.get("/entries", params=query)).json()
        seen += [item["position"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == list(range(told.audit.keeper.head.position, 0, -1))


async def test_an_entry_is_proven_by_the_hashes_to_the_next_signed_checkpoint(told: RunningAudit) -> None:
    """With nothing but the answer, as somebody outside would compute it."""
    await told.client.post("/checkpoints")
    [line] = await items(told, topic="run.completed")
    entry = (await told.client.get(f"/entries/{line['position']}")).json()
    content = sha256(base64.b64decode(entry["content"])).digest()
    hashed = entry_hash(entry["position"], entry["in_batch"], bytes.fromhex(entry["previous"]), content)
    assert (hashed.hex(), entry["intact"]) == (entry["hash"], True)
    for number, step in enumerate(entry["proof"]["steps"], start=entry["position"] + 1):
        hashed = entry_hash(number, step["in_batch"], hashed, bytes.fromhex(step["content_sha256"]))
    checkpoint = Checkpoint(**entry["proof"]["checkpoint"])
    assert hashed.hex() == checkpoint.head
    assert checkpoint.is_signed_by(public_from(told.audit.keeper.public_key, "the service's"))


async def test_a_checkpoint_asked_for_twice_is_the_same(told: RunningAudit) -> None:
    first = (await told.client.post("/checkpoints")).json()
    assert (await told.client.post("/checkpoints")).json() == first
    assert (await told.client.get("/checkpoints?limit=1")).json()["items"] == [first]


async def test_an_entry_shows_headers_and_value(told: RunningAudit) -> None:
    [line] = await items(told, topic="run.completed")
    entry = (await told.client.get(f"/entries/{line['position']}?proof=false")).json()
    assert (entry["value"], entry["headers"]["ce_source"], entry["proof"]) == ('{"number": 2}', "trainer", None)


async def test_the_summary_says_what_the_last_verification_found(told: RunningAudit, ledger: Path) -> None:
    async def summary() -> Json:
        body: Json = (await told.client.get("/summary")).json()
        return body

    async def verified() -> bool:
        known = (await summary())["verified"]
        return bool(known and known["ok"] and known["up_to"] == told.audit.keeper.head.position)

    await eventually(verified)
    assert ((await summary())["events"], (await summary())["digests"], (await summary())["lag"]) == (4, 1, 0)
    [segment] = ledger.glob("*.ledger")
    raw = bytearray(segment.read_bytes())
    raw[raw.index(b'"number": 2')] ^= 4
    segment.write_bytes(bytes(raw))

    async def faulty() -> bool:
        return not (await summary())["verified"]["ok"]

    await eventually(faulty)
    [fault] = (await summary())["verified"]["faults"]
    assert fault["kind"] == "changed"


async def test_the_index_is_made_again_from_the_ledger(start: Starting, ledger: Path) -> None:
    async with start() as running:
        await running.say(started("r-1", correlation="chain-a"))
    for broken in (b"no database", None):
        if broken is None:
            (ledger / "index.db").unlink()
        else:
            (ledger / "index.db").write_bytes(broken * 500)
        async with start() as running:
            await running.caught_up()
            assert [item["key"] for item in await items(running, correlation_id="chain-a")] == ["r-1"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/entries/99", 404),
        ("GET", "/entries/nothing", 422),
        ("GET", "/entries?cursor=nonsense", 400),
        ("GET", "/entries?since=2026-01-01", 422),
        ("GET", "/entries?limit=0", 422),
        ("POST", "/checkpoints", 409),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(running: RunningAudit, method: str, path: str, status: int) -> None:
    await running.caught_up()
    answer = await running.client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
