"""The door for MLflow's clients: plain routes, without FastAPI's machinery, since a client logs once a step.

Each states its role like every other route, and asks for it itself.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi.dependencies.models import Dependant
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from murmur_kernel.auth import Identity, Role, RoleNeeded, caller
from murmur_mlflow.errors import Errors
from murmur_mlflow.fields import Fields
from murmur_mlflow.reading import fields_of
from murmur_mlflow.refusals import NoSuchEndpoint

PREFIXES = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")
"""MLflow's own pages ask below /ajax-api what its clients ask below /api."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """size: bytes of the body"""

    workspace: str
    fields: Fields
    path: Mapping[str, Any]
    headers: Mapping[str, str]
    size: int


Answer = Callable[[Call], Awaitable[Json]]
Answering = Callable[[Request], Coroutine[Any, Any, Response]]
Opening = Callable[[Request], Awaitable[str]]
"""The workspace that a call means, which is there then."""


@dataclass(frozen=True)
class Endpoint:
    methods: tuple[str, ...]
    path: str
    role: Role
    answer: Answer


class DoorRoute(Route):
    """A route that states its role where `check_routes` looks for it, and answers without more layers around it."""

    def __init__(self, path: str, answer: Answering, methods: Sequence[str], role: Role) -> None:
        super().__init__(path, answer, methods=list(methods), include_in_schema=False)
        self.dependant = Dependant(dependencies=[Dependant(call=RoleNeeded(role))])

        async def plain(scope: Scope, receive: Receive, send: Send) -> None:
            response = await answer(Request(scope, receive))
            await response(scope, receive, send)

        self.app = plain


@dataclass(frozen=True)
class Door:
    """opening: which workspace a call means; largest_body: in bytes"""

    opening: Opening
    errors: Errors
    largest_body: int | None = None

    def routes(self, endpoints: Sequence[Endpoint], *, prefixes: Sequence[str] = PREFIXES) -> list[DoorRoute]:
        """In this order, in which they are tried: what is called most goes first."""
        return [
            DoorRoute(prefix + one.path, self.errors.guarding(self._answering(one)), one.methods, one.role)
            for prefix in prefixes
            for one in endpoints
        ]

    def _answering(self, endpoint: Endpoint) -> Answering:
        async def answer(request: Request) -> Response:
            _admit(request, endpoint.role)
            workspace = await self.opening(request)
            fields, size = await fields_of(request, self.largest_body)
            call = Call(workspace, fields, request.path_params, request.headers, size)
            return Response(orjson.dumps(await endpoint.answer(call)), media_type="application/json")

        return answer


def unknown(errors: Errors) -> list[DoorRoute]:
    """What there is not, told as clients know it: to stand behind all other routes."""
    every = ("GET", "POST", "PUT", "PATCH", "DELETE")
    answer = errors.guarding(_not_found)
    return [DoorRoute(f"{prefix}/{{path:path}}", answer, every, Role.VIEWER) for prefix in ("/api", "/ajax-api")]


async def _not_found(request: Request) -> Response:
    _admit(request, Role.VIEWER)
    raise NoSuchEndpoint(f"There is no endpoint {request.url.path} here. Does the client know a newer protocol?")


def _admit(request: Request, role: Role) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    shown = token if scheme.lower() == "bearer" else None
    caller.set(Identity(request.app.state.gate.admit(shown, role)))
