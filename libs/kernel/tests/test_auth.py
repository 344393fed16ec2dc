"""Who may call what: the look at all routes, tokens and roles at a real app, keys and names that belong to a person."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from murmur_access import Person, TokenFile
from murmur_kernel.auth import Caller, Identity, Role, RouteWithoutRole, allows, check_routes, open_to_all
from murmur_kernel.bus.memory import MemoryBroker, MemorySink
from murmur_kernel.service import Service
from murmur_kernel.settings import KernelSettings
from murmur_kernel.store import MemoryStore
from murmur_kernel.testing import ManualClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Answer(BaseModel):
    value: int
    by: str = ""


async def add(amount: int, uow: CounterUnitOfWork) -> Answer:
    counter = await uow.counters.get("total") or Counter("total")
    uow.counters.save(Counter("total", counter.value + amount))
    return Answer(value=counter.value + amount)


def routes(service: Service[CounterUnitOfWork]) -> APIRouter:
    api = APIRouter(prefix="/v1")

    @api.get("/total", dependencies=[allows(Role.VIEWER)])
    async def total() -> Answer:
        return Answer(value=0)

    @api.post("/total", dependencies=[allows(Role.AUTHOR)])
    async def post_total(amount: int) -> Answer:
        return await service.change(add, amount, answer=Answer)

    @api.post("/totals/{name}", dependencies=[allows(Role.AUTHOR)])
    async def post_named(name: str, amount: int) -> Answer:
        return await service.change(add, amount, answer=Answer)

    @api.post("/decision", dependencies=[allows(Role.APPROVER)])
    async def decide(caller: Caller, by: str | None = None) -> Answer:
        return Answer(value=1, by=caller.signs_as(by))

    return api


def service(home: Path, clock: ManualClock | None = None, *, auth: str = "tokens") -> Service[CounterUnitOfWork]:
    return Service(
        "trainer",
        KernelSettings(home=home, brokers="127.0.0.1:1", auth=auth),
        unit_of_work=CounterUnitOfWork,
        kinds=(COUNTERS,),
        store=MemoryStore(),
        sink=MemorySink(MemoryBroker()),
        clock=clock or ManualClock(),
    )


def app_of(one: Service[CounterUnitOfWork]) -> FastAPI:
    return one.app(title="Counters", routers=[routes(one)])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def tokens(tmp_path: Path, clock: ManualClock) -> TokenFile:
    return TokenFile(tmp_path / "secrets" / "tokens.json", now=clock.now)


@pytest.fixture
async def client(tmp_path: Path, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    one = service(tmp_path, clock)
    transport = httpx.ASGITransport(app=app_of(one))
    async with one.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://trainer") as client:
        yield client


def shown(token: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **more}


@pytest.fixture
def token_of(tokens: TokenFile) -> Callable[..., dict[str, str]]:
    def make(subject: str, *roles: Role, expires: datetime | None = None) -> dict[str, str]:
        return shown(tokens.issue(subject, roles, expires=expires).token)

    return make


TokenOf = Callable[..., dict[str, str]]


async def test_without_a_token_a_call_learns_how_to_show_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/total")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == 'Bearer realm="murmuration"'
    assert "'viewer'" in answer.json()["detail"]
    assert "murmur tokens create" in answer.json()["detail"]


async def test_an_unknown_token_is_told_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/total", headers=shown("murmur_no"))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="murmuration", error="invalid_token"'


async def test_a_role_opens_what_needs_it_and_nothing_else(client: httpx.AsyncClient, token_of: TokenOf) -> None:
    author = token_of("ada", Role.AUTHOR)
    assert (await client.get("/v1/total", headers=author)).status_code == 200
    assert (await client.post("/v1/total?amount=1", headers=author)).status_code == 200
    refused = await client.post("/v1/decision", headers=author)
    assert refused.status_code == 403
    assert "'ada' has the role author and this needs 'approver'" in refused.json()["detail"]


async def test_a_refused_call_is_refused_before_its_body_is_judged(
    client: httpx.AsyncClient, token_of: TokenOf
) -> None:
    assert (await client.post("/v1/total?amount=nonsense")).status_code == 401
    assert (await client.post("/v1/total?amount=nonsense", headers=token_of("v", Role.VIEWER))).status_code == 403


async def test_a_token_ends_at_its_date(client: httpx.AsyncClient, token_of: TokenOf, clock: ManualClock) -> None:
    brief = token_of("ada", Role.VIEWER, expires=NOW + timedelta(days=1))
    assert (await client.get("/v1/total", headers=brief)).status_code == 200
    clock.advance(86_400)
    assert (await client.get("/v1/total", headers=brief)).status_code == 401


async def test_a_revoked_token_is_refused_at_the_next_call(
    client: httpx.AsyncClient, tokens: TokenFile, token_of: TokenOf
) -> None:
    ada, bob = token_of("ada", Role.VIEWER), token_of("bob", Role.VIEWER)
    assert (await client.get("/v1/total", headers=ada)).status_code == 200
    tokens.revoke("ada")
    assert (await client.get("/v1/total", headers=ada)).status_code == 401
    assert (await client.get("/v1/total", headers=bob)).status_code == 200


async def test_a_damaged_token_file_lets_nobody_in(
    client: httpx.AsyncClient, tokens: TokenFile, token_of: TokenOf
) -> None:
    ada = token_of("ada", Role.VIEWER)
    assert (await client.get("/v1/total", headers=ada)).status_code == 200
    tokens.path.write_text('{"tokens": [{"id": "x"}]}')
    answer = await client.get("/v1/total", headers=ada)
    assert answer.status_code == 503
    assert "cannot be read" in answer.json()["detail"]


async def test_the_name_written_down_is_the_tokens(client: httpx.AsyncClient, token_of: TokenOf) -> None:
    ada = token_of("ada", Role.APPROVER)
    assert (await client.post("/v1/decision", headers=ada)).json()["by"] == "ada"
    assert (await client.post("/v1/decision?by=ada", headers=ada)).json()["by"] == "ada"
    forged = await client.post("/v1/decision?by=bob", headers=ada)
    assert forged.status_code == 403
    assert "'ada'" in forged.json()["detail"]
    assert "'bob'" in forged.json()["detail"]


async def test_one_persons_key_does_not_answer_anothers_call(client: httpx.AsyncClient, token_of: TokenOf) -> None:
    ada, bob = token_of("ada", Role.AUTHOR), token_of("bob", Role.AUTHOR)
    key = {"Idempotency-Key": "the same"}
    first = await client.post("/v1/total?amount=1", headers=ada | key)
    again = await client.post("/v1/total?amount=1", headers=ada | key)
    other = await client.post("/v1/total?amount=10", headers=bob | key)
    assert (first.json()["value"], again.json()["value"], other.json()["value"]) == (1, 1, 11)


async def test_a_key_does_not_answer_a_call_of_another_operation(client: httpx.AsyncClient, token_of: TokenOf) -> None:
    headers = token_of("ada", Role.AUTHOR) | {"Idempotency-Key": "nightly"}
    paths = ("/v1/total", "/v1/totals/a", "/v1/totals/b", "/v1/totals/a")
    answers = [(await client.post(f"{path}?amount=1", headers=headers)).json()["value"] for path in paths]
    assert answers == [1, 2, 3, 2]


async def test_an_empty_key_is_none(client: httpx.AsyncClient, token_of: TokenOf) -> None:
    headers = token_of("ada", Role.AUTHOR) | {"Idempotency-Key": ""}
    answers = [(await client.post("/v1/total?amount=1", headers=headers)).json()["value"] for _ in range(2)]
    assert answers == [1, 2]


@pytest.mark.parametrize(("one", "other"), [("a", "a/b"), ("a/b", "a")])
def test_no_subject_can_choose_the_key_of_another(one: str, other: str) -> None:
    """Subjects may hold a slash, and so may keys."""
    people = [Identity(Person(subject, frozenset({Role.AUTHOR}))) for subject in (one, other)]
    assert people[0].scoped("b/c") != people[1].scoped("c")


async def test_who_looks_at_the_process_needs_no_token(client: httpx.AsyncClient) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/docs", "/openapi.json"):
        assert (await client.get(path)).status_code != 401, path
    assert (await client.get("/v1/dead-letters")).status_code == 401


async def test_where_nobody_is_asked_everybody_may_and_says_who_they_are(tmp_path: Path) -> None:
    one = service(tmp_path, auth="off")
    transport = httpx.ASGITransport(app=app_of(one))
    async with one.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://trainer") as client:
        assert (await client.post("/v1/decision?by=ada")).json()["by"] == "ada"
        unnamed = await client.post("/v1/decision")
        assert (unnamed.status_code, unnamed.json()["title"]) == (422, "Unnamed")


def test_an_app_with_a_route_that_states_no_role_is_not_built(tmp_path: Path) -> None:
    one = service(tmp_path)
    api = routes(one)

    @api.delete("/total")
    async def forgotten() -> None: ...

    with pytest.raises(RouteWithoutRole, match=r"DELETE /v1/total"):
        one.app(title="Counters", routers=[api])


async def test_a_route_added_afterwards_is_found_at_the_start(tmp_path: Path) -> None:
    one = service(tmp_path)
    app = app_of(one)
    app.router.routes.append(Route("/secret", PlainTextResponse("all of it")))
    with pytest.raises(RouteWithoutRole, match="/secret"):
        async with one.lifespan(app):
            pass


def test_an_open_route_says_why(tmp_path: Path) -> None:
    one = service(tmp_path)
    api = APIRouter()

    @api.get("/hello", dependencies=[open_to_all("it says nothing")])
    async def hello() -> str:
        return "hello"

    app = one.app(title="Counters", routers=[routes(one), api])
    check_routes(app)
    paths = app.openapi()["paths"]
    assert paths["/hello"]["get"]["x-open-to-all"] == "it says nothing"
    assert paths["/v1/decision"]["post"]["x-required-role"] == "approver"
    assert paths["/v1/decision"]["post"]["security"] == [{"token": []}]
    assert {"401", "403"} <= paths["/v1/decision"]["post"]["responses"].keys()
