"""Shared runs: what a link opens, for whom and how long, and that a rebuild remembers it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from client_calls import Running
from tracking_facts import NOON, started

from murmur_events.shares import RunShared, ShareRevoked, ShareViewed
from murmur_events.values import Artifact
from murmur_kernel.testing import Harness, ManualClock
from murmur_tracking import sharing
from murmur_tracking.domain import shares
from murmur_tracking.domain.facts import Claim
from murmur_tracking.domain.shares import Share
from murmur_tracking.repository import SHARES, TrackingUnitOfWork

EVIL = '<script>alert("x")</script>'


async def a_run(running: Running) -> str:
    run_id = await running.client.run(run_name=EVIL)
    metrics = [{"key": "loss", "value": 1 / (n + 1), "step": n, "timestamp": n} for n in range(5)]
    metrics.append({"key": "odd", "value": "NaN", "step": 0, "timestamp": 1})
    await running.client.did("/runs/log-batch", run_id=run_id, metrics=metrics, params=[{"key": "eta", "value": "0.1"}])
    return run_id


async def share(running: Running, run_id: str, **said: Any) -> dict[str, Any]:
    answer = await running.http.post(f"/v1/runs/{run_id}/shares", json=said)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_link_shows_the_run_as_it_was_when_shared(running: Running) -> None:
    run_id = await a_run(running)
    made = await share(running, run_id, reason="for the review", by="ann")
    await running.client.did("/runs/log-metric", run_id=run_id, key="loss", value=99, step=9, timestamp=9)
    await running.client.did("/runs/set-tag", run_id=run_id, key="later", value="yes")
    shown = (await running.http.get(f"/v1{made['link']}")).json()
    assert shown["run"]["metrics"]["loss"] == 0.2
    assert shown["run"]["parameters"] == {"eta": "0.1"}
    assert "later" not in shown["run"]["tags"]
    assert [curve["metric"] for curve in shown["histories"]] == ["loss", "odd"]
    assert shown["histories"][0]["curves"][0]["step"] == [0, 1, 2, 3, 4]
    assert (await running.http.get(f"/v1/runs/{run_id}")).json()["metrics"]["loss"] == 99


async def test_the_page_stands_alone_and_escapes_what_it_shows(running: Running) -> None:
    made = await share(running, await a_run(running), reason=EVIL)
    answer = await running.http.get(made["link"])
    assert answer.status_code == 200
    page = answer.text
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "http:" not in page
    assert "https:" not in page
    svg = page[page.index("<svg") : page.index("</svg>") + 6]
    assert len(ElementTree.fromstring(svg)[0].attrib["points"].split()) == 5
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_revoked_link_opens_nothing(running: Running) -> None:
    made = await share(running, await a_run(running))
    other = await share(running, made["run_id"])
    revoked = (await running.http.delete(f"/v1/shares/{made['id']}", params={"by": "bob"})).json()
    assert revoked["revoked_by"] == "bob"
    for link in (made["link"], f"/v1{made['link']}"):
        answer = await running.http.get(link)
        assert answer.status_code == 410
        assert made["run_id"] not in answer.text
    assert (await running.http.get(other["link"])).status_code == 200
    again = (await running.http.delete(f"/v1/shares/{made['id']}", params={"by": "eve"})).json()
    assert again["revoked_by"] == "bob"


async def test_an_expired_link_opens_nothing(running: Running) -> None:
    made = await share(running, await a_run(running), expires_in=60)
    assert (await running.http.get(made["link"])).status_code == 200
    running.service.clock = ManualClock(datetime.now(UTC) + timedelta(seconds=61))
    assert (await running.http.get(made["link"])).status_code == 410


async def test_a_wrong_token_opens_nothing(running: Running) -> None:
    made = await share(running, await a_run(running))
    for token in ("nothing", made["link"].rpartition("/")[2] + "x", made["id"]):
        for path in (f"/shared/{token}", f"/v1/shared/{token}"):
            answer = await running.http.get(path)
            assert answer.status_code == 404
            assert "nothing" in answer.text


async def test_the_token_is_kept_nowhere(running: Running) -> None:
    run_id = await a_run(running)
    headers = {"Idempotency-Key": "once"}
    made = (await running.http.post(f"/v1/runs/{run_id}/shares", json={}, headers=headers)).json()
    again = (await running.http.post(f"/v1/runs/{run_id}/shares", json={}, headers=headers)).json()
    assert again["id"] == made["id"]
    assert again["link"] is None
    token = made["link"].rpartition("/")[2]
    assert len(token) >= 22, "128 bits"
    await running.http.get(made["link"], headers=headers)
    (document,) = await running.service.store.get_many("share", [made["id"]])
    assert token not in document.body
    assert token not in str(await running.service.store.outbox(1000))


async def test_shares_are_listed_and_sightings_counted(running: Running) -> None:
    made = await share(running, await a_run(running))
    for _ in range(3):
        await running.http.get(made["link"])
    (listed,) = (await running.http.get(f"/v1/runs/{made['run_id']}/shares")).json()["items"]
    assert (listed["id"], listed["seen"]) == (made["id"], 1)
    assert "link" not in listed


async def test_what_is_not_there_is_neither_shared_nor_revoked(running: Running) -> None:
    assert (await running.http.post("/v1/runs/nobody/shares", json={})).status_code == 404
    assert (await running.http.get("/v1/runs/nobody/shares")).status_code == 404
    assert (await running.http.delete("/v1/shares/nobody")).status_code == 404


@pytest.mark.parametrize("expires_in", [0, 59, 366 * 86400])
async def test_a_time_that_cannot_be_is_refused(running: Running, expires_in: int) -> None:
    answer = await running.http.post("/v1/runs/r/shares", json={"expires_in": expires_in})
    assert answer.status_code == 422


SHARED = RunShared(
    share_id="s",
    run_id="run-1",
    snapshot=Artifact(uri="file:///a", sha256="0" * 64, size=1),
    token_sha256="1" * 64,
    by="ann",
    shared_at=NOON,
    expires_at=NOON + timedelta(days=7),
)


async def test_a_rebuild_remembers_shares_whatever_topic_comes_first(tracking: Harness[TrackingUnitOfWork]) -> None:
    await tracking.receives(started())
    seen = ShareViewed(share_id="s", seen=2, seen_at=NOON)
    gone = ShareRevoked(share_id="s", run_id="run-1", by="bob", revoked_at=NOON)
    for event in (gone, seen, SHARED):
        await tracking.receives(event)
    await tracking.receives(gone)
    await tracking.receives(seen)
    found = await tracking.get(SHARES, "s")
    assert found is not None
    assert (found.revoked_by, found.seen, found.by) == ("bob", 2, "ann")
    assert [one.id for one in await tracking.read(sharing.shares_of, "run-1")] == ["s"]


def test_a_look_within_ten_seconds_is_no_other_one() -> None:
    share = Share(
        id="s",
        run_id="r",
        snapshot=Claim(uri="", sha256="", size=1),
        token_sha256="1",
        by="ann",
        reason="",
        shared_at=NOON,
        expires_at=NOON,
    )
    assert shares.counts(share, NOON)
    share = shares.seen(share, 1, NOON)
    assert not shares.counts(share, NOON + timedelta(seconds=9))
    assert shares.counts(share, NOON + timedelta(seconds=10))
