"""A secured flock: a workflow runs through it once, roles hold, and no secret is to be found anywhere.

`make test` raises it embedded; `make test-servers` as servers on this machine: three brokers, two replicas of each
service, MongoDB.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from live import LiveFlock, of

from murmur_access import Role, TokenFile
from murmur_access.private import read_private
from murmur_access.rules import users
from murmur_cli.signing_in import first_token
from murmur_kernel.testing import eventually
from murmur_runtime import flock as runtime
from murmur_runtime.home import Home
from murmur_runtime.living import tagged
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import ALONE, SERVICE_OFFSETS, FlockSettings, Profile

PROFILE = Profile(os.environ.get("MURMUR_TEST_PROFILE", Profile.EMBEDDED))

pytestmark = [pytest.mark.flock, pytest.mark.timeout(900)]
of_servers = pytest.mark.skipif(PROFILE is not Profile.SERVERS, reason="`make test-servers` runs it")


@pytest.fixture(scope="module")
def flock(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[LiveFlock]:
    settings = FlockSettings(
        home=tmp_path_factory.mktemp("secured"),
        port=free_front_door(span=60),
        profile=PROFILE,
        store=request.getfixturevalue("mongodb") if PROFILE is Profile.SERVERS else "",
        broker_memory="256m",
        secure=True,
    )
    first_token(settings)
    try:
        asyncio.run(runtime.up(settings, within=600))
        yield LiveFlock(settings)
    finally:
        asyncio.run(runtime.down(settings))


@of_servers
def test_status_shows_three_brokers_and_two_replicas_of_each_service(flock: LiveFlock) -> None:
    shown = json.loads(flock.murmur("status", "--json").stdout)

    names = {process["name"] for process in shown["processes"]}
    services = {f"{name}-{number}" for name in SERVICE_OFFSETS.keys() - ALONE for number in (1, 2)}
    assert names == {"kafka-1", "kafka-2", "kafka-3", "envoy", *services, *ALONE}
    assert shown["ready"]


def secrets_of(flock: LiveFlock) -> dict[str, str]:
    vault = flock.settings.vault
    passwords = {f"password of {user}": read_private(vault.password_file(user)) for user in users()}
    return passwords | {"token of whoever raised it": read_private(vault.own_token)}


def told_by(flock: LiveFlock, secrets: dict[str, str]) -> list[str]:
    """Where a secret stands outside the vault: logs, topics, stores, artifacts, what processes show of themselves."""
    found: list[str] = []
    for path in flock.settings.home.rglob("*"):
        numbers_only = path.suffix in (".index", ".timeindex")  # of Kafka, 10 MiB each
        if path.is_file() and not numbers_only and flock.settings.vault.root not in path.parents:
            found += [f"{name} in {path}" for name in _within(path.read_bytes(), secrets)]
    for process in tagged(Home(flock.settings.home)):
        try:
            shown = " ".join([*process.cmdline(), *process.environ().values()])
        except psutil.Error:
            continue
        found += [f"{name} at process {process.pid}" for name in _within(shown.encode(), secrets)]
    return found


def _within(content: bytes, secrets: dict[str, str]) -> Iterable[str]:
    return (name for name, secret in secrets.items() if secret.encode() in content)


async def test_a_workflow_runs_through_once_and_no_secret_is_told(flock: LiveFlock, tmp_path: Path) -> None:
    folder = flock.scaffold(tmp_path / "guarded", "guarded")
    await flock.apply(folder, "guarded")
    await flock.trigger("guarded")
    await flock.until("the request for a review", of("review.requested", "guarded"), within=300)
    refused = await _review_as(flock, Role.AUTHOR)
    assert refused.status_code == 403
    approved = await _review_as(flock, Role.APPROVER)
    assert (approved.status_code, approved.json()["by"]) == (200, "approver")
    await flock.until("the deployment", of("model.deployed", "guarded"), within=300)
    history = await flock.history()
    for topic in ("training.requested", "run.completed", "model.registered", "validation.completed", "model.deployed"):
        assert len({envelope.id for envelope in history if of(topic, "guarded")(envelope)}) == 1, topic
    await _predict(flock)
    assert flock.murmur("status").returncode == 0
    assert flock.murmur("doctor").returncode == 0

    secrets = secrets_of(flock)
    assert len(secrets) == len(users()) + 1
    assert told_by(flock, secrets) == []
    planted = flock.settings.home / "logs" / "planted.log"  # the look itself must be able to find one
    planted.write_text(f"connecting with {secrets['password of registry']}\n")
    assert told_by(flock, secrets) == [f"password of registry in {planted}"]
    planted.unlink()


async def _review_as(flock: LiveFlock, role: Role) -> httpx.Response:
    token = TokenFile(flock.settings.tokens_file).issue(role.value, [role]).token
    async with httpx.AsyncClient(base_url=flock.settings.front_door, timeout=30) as client:
        return await client.post(
            "/registry/v1/models/guarded/versions/1/review",
            json={"decision": "approved", "reason": "the test says so"},
            headers={"Authorization": f"Bearer {token}"},
        )


async def _predict(flock: LiveFlock) -> None:
    """One answer through the front door, and its record on the topic that only model servers may write."""
    path = next((flock.settings.home / "replicas").glob("guarded-*")) / "model-settings.json"
    inputs = [
        {"name": column["name"], "shape": [1, 1], "datatype": "FP64", "data": [0.5]}
        for column in _settings(path)["inputs"]
    ]
    async with httpx.AsyncClient(base_url=flock.settings.front_door, timeout=30) as client:
        infer = "/v2/models/guarded/infer"
        unasked = await client.post(infer, json={"inputs": inputs}, headers={"x-murmur-probe": "1"})
        answer = await client.post(infer, json={"inputs": inputs}, headers=flock.door().headers)
    assert (unasked.status_code, answer.status_code) == (401, 200), answer.text

    async def logged() -> bool:
        return any(envelope.topic == "prediction.logged" for envelope in await flock.history(whole=True))

    await eventually(logged, within=60)


def _settings(path: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = json.loads(path.read_text())
    return found


def test_the_command_line_says_which_role_is_needed(flock: LiveFlock) -> None:
    token = TokenFile(flock.settings.tokens_file).issue("vera", [Role.VIEWER]).token
    environment = {**flock.environment, "MURMUR_TOKEN": token}
    refused = flock.murmur("trigger", "guarded", environment=environment)
    assert refused.returncode == 1
    assert "'vera' has the role viewer and this needs 'author'" in refused.stderr
    assert "murmur tokens create --subject vera --role author" in refused.stderr
    unknown = flock.murmur("models", environment={**flock.environment, "MURMUR_TOKEN": "murmur_unknown"})
    assert (unknown.returncode, "unknown, expired or revoked" in unknown.stderr) == (1, True)


async def test_the_console_lets_in_only_who_signs_in(flock: LiveFlock) -> None:
    token = read_private(flock.settings.vault.own_token)
    async with httpx.AsyncClient(base_url=flock.settings.front_door, timeout=30) as browser:
        page = {"accept": "text/html"}
        sent = await browser.get("/models", headers=page)
        assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=/models")
        assert (await browser.get("/reports/guarded/1")).status_code == 401
        assert (await browser.post("/sign-in", data={"token": "murmur_no"})).status_code == 401
        signed = await browser.post("/sign-in?next=/models", data={"token": token})
        assert (signed.status_code, signed.headers["location"]) == (303, "/models")
        assert token not in signed.headers["set-cookie"]
        assert "HttpOnly" in signed.headers["set-cookie"]
        assert (await browser.get("/models", headers=page)).status_code == 200
        report = await browser.get("/reports/guarded/1")
        assert (report.status_code, "script" in report.headers["content-security-policy"]) == (200, False)
        away = await browser.post("/sign-in?next=//elsewhere.example", data={"token": token})
        assert away.headers["location"] == "/"
        await browser.post("/sign-out")
        assert (await browser.get("/reports/guarded/1")).status_code == 401


async def test_a_home_that_was_secure_stays_secure(flock: LiveFlock) -> None:
    plain = FlockSettings(home=flock.settings.home, port=flock.settings.port)
    assert (plain.secured, plain.auth_mode) == (True, "tokens")


@of_servers
async def test_the_front_door_answers_on_while_a_replica_is_killed(flock: LiveFlock) -> None:
    killed = flock.kill("registry-1")
    async with httpx.AsyncClient(
        base_url=flock.settings.front_door, headers=flock.door().headers, timeout=30
    ) as client:
        answers = [(await client.get("/registry/v1/models")).status_code for _ in range(20)]

    assert answers == [200] * 20
    await eventually(lambda: flock.pid("registry-1") != killed, within=60)
    await asyncio.to_thread(flock.wait_ready, within=120)


async def test_down_ends_everything(flock: LiveFlock) -> None:
    stopped = await runtime.down(flock.settings)

    raised = 4 + 2 * len(SERVICE_OFFSETS) - len(ALONE) if PROFILE is Profile.SERVERS else 2 + len(SERVICE_OFFSETS)
    assert len(stopped.names) == raised
    assert tagged(Home(flock.settings.home)) == []
