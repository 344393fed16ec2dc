"""The door for MLflow's clients: plain routes, without FastAPI's machinery, since a client logs once a step.

Each states its role like every other route, and asks for it itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi.dependencies.models import Dependant
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from murmur_kernel.auth import Identity, Role, RoleNeeded, caller
from murmur_tracking.domain.refusals import BadValue
from murmur_tracking.mlflow_api.errors import refusal
from murmur_tracking.mlflow_api.fields import Fields, asked, parsed

PREFIXES = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow")
"""MLflow's own pages ask below /ajax-api what its clients ask below /api."""


@dataclass(frozen=True)
class Call:
    workspace: str
    fields: Fields
    path: dict[str, Any]
    size: int


Answer = Callable[[Call], Awaitable[dict[str, Any]]]
Opening = Callable[[Request], Awaitable[str]]
"""The workspace that a call means, which is there then."""


@dataclass(frozen=True)
class Endpoint:
    methods: tuple[str, ...]
    path: str
    role: Role
    answer: Answer


class DoorRoute(Route):
    """A route that states its role where `check_routes` looks for it."""

    def __init__(self, path: str, endpoint: Any, methods: Sequence[str], role: Role) -> None:
        super().__init__(path, endpoint, methods=list(methods), include_in_schema=False)
        self.dependant = Dependant(dependencies=[Dependant(call=RoleNeeded(role))])


def routes(endpoints: Sequence[Endpoint], opening: Opening, *, prefixes: Sequence[str] = PREFIXES) -> list[DoorRoute]:
    return [
        DoorRoute(prefix + one.path, _answering(one, opening), one.methods, one.role)
        for one in endpoints
        for prefix in prefixes
    ]


def _answering(endpoint: Endpoint, opening: Opening) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            _admit(request, endpoint.role)
            call = await _call(request, await opening(request))
            return _json(await endpoint.answer(call), 200)
        except Exception as error:
            if (refused := refusal(error)) is None:
                raise
            return refused

    return answer


def _json(body: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _admit(request: Request, role: Role) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    shown = token if scheme.lower() == "bearer" else None
    caller.set(Identity(request.app.state.gate.admit(shown, role)))


async def _call(request: Request, workspace: str) -> Call:
    """Raises BadValue for a body of another kind than JSON."""
    if request.method == "GET" and request.scope["query_string"]:
        said, size = asked(request.query_params.multi_items()), 0
    else:
        body = await request.body()
        said, size = parsed(body), len(body)
        if request.method in ("POST", "PUT"):
            _check_type(request.headers.get("content-type"))
    return Call(workspace, Fields(said), request.path_params, size)


def _check_type(content_type: str | None) -> None:
    if content_type is None:
        raise BadValue("Bad Request. Content-Type header is missing.")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise BadValue("Bad Request. Content-Type must be one of ['application/json'].")
