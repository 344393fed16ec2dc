"""The door as clients meet it: who is let in, what is read, and that every refusal has MLflow's shape."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from murmur_access import Role, TokenFile, TokensUnreadable
from murmur_kernel.auth import Gate, check_routes
from murmur_kernel.errors import Conflict, NoSpace, Transient
from murmur_mlflow.door import Call, Door, Endpoint, unknown
from murmur_mlflow.errors import Errors
from murmur_mlflow.refusals import NoSuchThing, NotOffered
from murmur_mlflow.workspaces import named_in


class OwnError(Exception): ...


RAISED: dict[str, Exception] = {
    "own": OwnError("of the service's own"),
    "refused": NoSuchThing("not there"),
    "not offered": NotOffered("not here"),
    "conflict": Conflict("model", "m"),
    "full": NoSpace("disk full"),
    "away": Transient("the store is away"),
    "tokens": TokensUnreadable(Path("tokens.json"), "no JSON"),
    "bug": ZeroDivisionError("a bug"),
}


async def echo(call: Call) -> dict[str, Any]:
    said = call.fields.text("raise")
    if said:
        raise RAISED[said]
    return {"workspace": call.workspace, "names": call.fields.texts("name"), **call.path, "size": call.size}


async def opening(request: Request) -> str:
    return named_in(request.headers)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(openapi_url=None, docs_url=None)
    door = Door(opening, Errors([(OwnError, "INVALID_STATE", 409)]), largest_body=1000)
    endpoints = [Endpoint(("GET", "POST", "DELETE"), "/echo/{what}", Role.AUTHOR, echo)]
    app.router.routes.extend([*door.routes(endpoints), *unknown(door.errors)])
    check_routes(app)
    tokens = TokenFile(tmp_path / "tokens.json")
    app.state.gate = Gate(tokens)
    shown = tokens.issue("ada", [Role.AUTHOR]).token
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {shown}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as client:
        client.viewer = tokens.issue("vera", [Role.VIEWER]).token  # type: ignore[attr-defined]
        yield client


async def test_what_there_is_not_is_told_as_clients_know_it(http: httpx.AsyncClient) -> None:
    for path in ("/api/2.0/mlflow/nothing", "/api/3.0/mlflow/traces", "/ajax-api/x"):
        answer = await http.put(path)
        assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


PATH = "/api/2.0/mlflow/echo/a%20b"


@pytest.mark.parametrize("prefix", ["/api/2.0/mlflow", "/ajax-api/2.0/mlflow"])
async def test_a_call_is_read_from_its_query_or_its_body(http: httpx.AsyncClient, prefix: str) -> None:
    asked = await http.get(f"{prefix}/echo/x?name=a&name=b", headers={"X-Murmur-Workspace": "team-b"})
    assert asked.json() == {"workspace": "team-b", "names": ["a", "b"], "what": "x", "size": 0}
    told = await http.post(f"{prefix}/echo/a%20b", json={"name": ["c"]})
    assert told.json() == {"workspace": "default", "names": ["c"], "what": "a b", "size": len(told.request.content)}
    body_of_get = await http.request("GET", f"{prefix}/echo/x", json={"name": ["d"]})
    assert body_of_get.json()["names"] == ["d"]


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        ("own", 409, "INVALID_STATE"),
        ("refused", 404, "RESOURCE_DOES_NOT_EXIST"),
        ("not offered", 501, "NOT_IMPLEMENTED"),
        ("conflict", 409, "RESOURCE_CONFLICT"),
        ("full", 507, "RESOURCE_EXHAUSTED"),
        ("away", 503, "TEMPORARILY_UNAVAILABLE"),
        ("tokens", 503, "TEMPORARILY_UNAVAILABLE"),
    ],
)
async def test_what_is_refused_has_the_code_and_status_that_clients_know(
    http: httpx.AsyncClient, said: str, status: int, code: str
) -> None:
    answer = await http.get(PATH, params={"raise": said})
    assert (answer.status_code, answer.json()) == (status, {"error_code": code, "message": str(RAISED[said])})


async def test_a_bug_is_not_dressed_up_as_a_refusal(http: httpx.AsyncClient) -> None:
    answer = await http.get(PATH, params={"raise": "bug"})
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")


async def test_nobody_comes_in_without_the_role(http: httpx.AsyncClient) -> None:
    stranger = await http.get(PATH, headers={"Authorization": "Bearer nonsense"})
    assert (stranger.status_code, stranger.json()["error_code"]) == (401, "UNAUTHENTICATED")
    assert stranger.headers["www-authenticate"].startswith("Bearer")
    viewer = await http.get(PATH, headers={"Authorization": f"Bearer {http.viewer}"})  # type: ignore[attr-defined]
    assert (viewer.status_code, viewer.json()["error_code"]) == (403, "PERMISSION_DENIED")


@pytest.mark.parametrize(
    ("content_type", "complaint"),
    [
        ({}, "Bad Request. Content-Type header is missing."),
        ({"Content-Type": "text/plain"}, "Bad Request. Content-Type must be one of ['application/json']."),
        ({"Content-Type": "application/json; charset=utf-8"}, None),
    ],
)
async def test_what_is_posted_is_json(
    http: httpx.AsyncClient, content_type: dict[str, str], complaint: str | None
) -> None:
    answer = await http.post(PATH, content=b"{}", headers=content_type)
    assert answer.json().get("message") == complaint
    deleted = await http.request("DELETE", PATH, content=b"{}", headers=content_type)
    assert deleted.status_code == 200, "only of POST and PUT the type is asked"


async def test_a_body_beyond_the_limit_and_a_workspace_of_no_name_are_refused(http: httpx.AsyncClient) -> None:
    long = await http.post(PATH, json={"name": "n" * 1000})
    assert (long.status_code, long.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "1,000 are the most" in long.json()["message"]
    nowhere = await http.post(PATH, json={}, headers={"X-Murmur-Workspace": "a b"})
    assert "X-Murmur-Workspace: 'a b' is no name of a workspace" in nowhere.json()["message"]
