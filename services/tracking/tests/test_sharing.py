"""Shared runs: what a link opens, for whom and how long, and that a rebuild remembers it."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from client_calls import Running
from tracking_facts import NOON, artifact, completed, provenance, started

from murmur_events.runs import Hardware
from murmur_events.shares import RunShared, ShareRevoked, ShareViewed
from murmur_events.values import Artifact, Source
from murmur_kernel.testing import Harness, ManualClock, eventually
from murmur_tracking import sharing
from murmur_tracking.client_runs import RunOf
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


async def share(running: Running, run_id: str, workspace: str = "default", **said: Any) -> dict[str, Any]:
    headers = {"X-Murmur-Workspace": workspace}
    answer = await running.http.post(f"/v1/runs/{run_id}/shares", json=said, headers=headers)
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


async def test_the_page_says_where_code_data_and_numbers_came_from(running: Running) -> None:
    told = provenance(seed=4711).model_copy(
        update={
            "lock": "1" * 64,
            "interpreter": "CPython 3.11.7",
            "hardware": Hardware(processor=EVIL, cores=2, memory=8_000_000_000, threads=1),
            "source": Source(commit="a" * 40, dirty=True, diff=artifact("diff")),
        }
    )
    await running.says(completed("t").model_copy(update={"provenance": told}))

    async def known() -> bool:
        return (await running.http.get("/v1/runs/t")).status_code == 200

    await eventually(known)
    page = (await running.http.get((await share(running, "t"))["link"])).text
    said = dict(re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td>', page))
    assert said["commit"] == "a" * 40
    assert said["uncommitted changes"] == f"diff {artifact('diff').sha256}"
    assert said["data set credit"] == "d" * 64
    assert said["environment sha256"] == artifact("env").sha256
    assert (said["lock of packages"], said["python"], said["seed"]) == ("1" * 64, "CPython 3.11.7", "4711")
    assert (said["processor"], said["cores"], said["memory"]) == (escape(EVIL), "2", "8.0 GB")
    assert not {"platform", "machine"} & set(said), "not recorded"


async def test_the_page_of_a_clients_run_says_what_its_tags_say_of_the_code(running: Running) -> None:
    tags = [{"key": "mlflow.source.git.commit", "value": "b" * 40}, {"key": "mlflow.source.name", "value": "fit.py"}]
    page = (await running.http.get((await share(running, await running.client.run(tags=tags)))["link"])).text
    provenance_of_it = page[page.index("<h2>Provenance") : page.index("<h2>Tags")]
    assert f"<td>{'b' * 40}</td>" in provenance_of_it
    assert "<td>fit.py</td>" in provenance_of_it


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


async def test_only_its_own_workspace_shares_a_run_and_sees_its_shares(running: Running) -> None:
    run_id = await running.client.in_workspace("team-b").run()
    made = await share(running, run_id, "team-b")
    assert (await running.http.get(made["link"])).status_code == 200, "the link says enough"
    path = f"/v1/runs/{run_id}/shares"
    for headers, status in (
        ({}, 404),
        ({"X-Murmur-Workspace": "team-a"}, 404),
        ({"X-Murmur-Workspace": "no.name"}, 400),
        ({"X-Murmur-Workspace": "team-b"}, 200),
    ):
        assert (await running.http.get(path, headers=headers)).status_code == status
        posted = await running.http.post(path, json={}, headers=headers)
        assert posted.status_code == (201 if status == 200 else status)


async def test_a_run_of_the_trainer_is_shared_in_the_default_workspace_only(running: Running) -> None:
    await running.hears_of_a_trained_run("t")
    refused = await running.http.post("/v1/runs/t/shares", json={}, headers={"X-Murmur-Workspace": "team-b"})
    assert refused.status_code == 404
    await share(running, "t")


async def test_a_link_to_a_run_of_a_dropped_workspace_opens_nothing(running: Running) -> None:
    ours, theirs = running.client.in_workspace("team-a"), running.client.in_workspace("team-b")
    kept, gone = await ours.run(), await theirs.run()
    open_still, shut = await share(running, kept, "team-a"), await share(running, gone, "team-b")
    assert (await running.http.get(shut["link"])).status_code == 200
    assert (await theirs.ours("DELETE", "/workspaces/team-b"))[0] == 200
    await theirs.run()  # its name is in use again, by runs of another generation
    for link in (shut["link"], f"/v1{shut['link']}"):
        answer = await running.http.get(link)
        assert answer.status_code == 410
        assert gone not in answer.text
    assert (await running.http.get(open_still["link"])).status_code == 200
    headers = {"X-Murmur-Workspace": "team-b"}
    assert (await running.http.get(f"/v1/runs/{gone}/shares", headers=headers)).status_code == 404
    assert (await running.http.post(f"/v1/runs/{gone}/shares", json={}, headers=headers)).status_code == 404


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
    assert [one.id for one in await tracking.read(sharing.shares_of, RunOf("default", "run-1"))] == ["s"]


async def test_what_was_shared_under_an_earlier_release_opens(running: Running) -> None:
    """The file is as the first release kept it, and stays: a link lasts for a year."""
    await running.hears_of_a_trained_run("t")
    kept = Path(__file__).with_name("kept_snapshot.json").read_bytes()
    event = SHARED.model_copy(
        update={
            "run_id": "t",
            "snapshot": await running.service.artifacts.put_bytes(kept, suffix=".json"),
            "token_sha256": hashlib.sha256(b"token").hexdigest(),
            "expires_at": datetime.now(UTC) + timedelta(days=1),
        }
    )
    await running.service.change(sharing.remember_share, event, answer=type(None))
    page = await running.http.get("/shared/token")
    assert page.status_code == 200
    assert "auc from 0.5 at step 0 to 0.78 at step 1" in page.text
    assert (await running.http.get("/v1/shared/token")).json()["run"]["provenance"]["seed"] == 7


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
