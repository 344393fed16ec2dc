"""Every endpoint that changes something, called with every role and with none, in the real app of each service."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from security.expected_roles import BY_SERVICE, expected

from murmur_access import Role, TokenFile
from murmur_events.catalog import SERVICES
from murmur_kernel.auth import role_of

SERVED = (*SERVICES, "audit")
READING = {"GET", "HEAD", "OPTIONS"}
OPEN = {"/livez", "/readyz", "/metrics", "/docs", "/docs/oauth2-redirect", "/openapi.json", "/health", "/version"} | {
    "/shared/{token}",
    "/v1/shared/{token}",
}
"""What answers without a token, by name: a new one must be written here too."""


@dataclass(frozen=True)
class Served:
    app: FastAPI
    tokens: dict[Role | None, str]

    @property
    def endpoints(self) -> set[tuple[str, str]]:
        return {
            (method, str(route.path))
            for route in iter_route_contexts(self.app.routes)
            for method in route.methods or ()
        }

    async def call(self, method: str, path: str, token: str | None) -> int:
        """Ids that nobody has and no body: whoever is let in is told 404 or 422, or served; never 401 or 403."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        filled = path.format_map(_Anything())
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return (await client.request(method, filled, headers=headers, json={})).status_code


class _Anything(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return _One()


class _One(str):
    def __format__(self, convertor: str) -> str:
        """Whatever it is converted by: `{id}` and `{id:path}`."""
        return "1"


@contextmanager
def serving(service: str, home: Path) -> Iterator[Served]:
    """The app as its process makes it, with one person a role. It is not started: who may call is asked before."""
    module = importlib.import_module(f"murmur_{service}")
    settings = importlib.import_module(f"murmur_{service}.settings").Settings(
        home=home, auth="tokens", brokers="127.0.0.1:1", store="memory:"
    )
    app = importlib.import_module(f"{module.__name__}.app").create_app(settings)
    tokens = TokenFile(home / "secrets" / "tokens.json")
    shown: dict[Role | None, str] = {role: tokens.issue(role.value, [role]).token for role in Role}
    yield Served(app, {**shown, None: ""})


@pytest.fixture(scope="module", params=SERVED)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Served]]:
    with serving(request.param, tmp_path_factory.mktemp(request.param)) as one:
        yield request.param, one


def test_every_service_has_its_entries() -> None:
    assert BY_SERVICE.keys() == set(SERVED)


def test_every_endpoint_that_changes_something_has_an_entry(served: tuple[str, Served]) -> None:
    service, app = served
    changing = {(method, path) for method, path in app.endpoints if method not in READING}
    assert changing == set(expected(service)), "tests/security/expected_roles.py says who may call each of these"


@pytest.mark.parametrize("role", [*Role, None])
async def test_a_role_may_call_what_its_entry_says_and_nothing_else(
    served: tuple[str, Served], role: Role | None
) -> None:
    service, app = served
    for (method, path), allowed in expected(service).items():
        status = await app.call(method, path, app.tokens[role])
        verdict = {401: "unknown", 403: "forbidden"}.get(status, "let in")
        due = "unknown" if role is None else "let in" if role in allowed else "forbidden"
        assert verdict == due, f"{service}: {method} {path} as {role}: {status}"


async def test_reading_needs_any_role_and_none_reads_nothing(served: tuple[str, Served]) -> None:
    service, app = served
    for method, path in app.endpoints:
        if method != "GET":
            continue
        status = await app.call(method, path, None)
        assert (status != 401) == (path in OPEN), f"{service}: GET {path} without a token: {status}"
        for role in Role:
            assert await app.call(method, path, app.tokens[role]) not in (401, 403), f"{service}: GET {path} as {role}"


def test_what_the_description_says_is_what_is_asked(served: tuple[str, Served]) -> None:
    _, app = served
    operations = {
        (method.upper(), path): operation.get("x-required-role")
        for path, methods in app.app.openapi()["paths"].items()
        for method, operation in methods.items()
    }
    for route in iter_route_contexts(app.app.routes):
        for method in route.methods or ():
            if (method, str(route.path)) in operations:
                assert operations[method, str(route.path)] == role_of(route)
