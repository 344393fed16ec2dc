"""The door for MLflow's clients: plain routes, without FastAPI's machinery, since a client logs once a step.

Each states its role like every other route, and asks for it itself.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from fastapi.dependencies.models import Dependant
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from murmur_kernel.auth import AuthError, Identity, NotSignedIn, Role, RoleNeeded, caller
from murmur_kernel.errors import BadCursor, EventTooLarge, KernelError, NoSpace, Transient
from murmur_search import SearchRefused
from murmur_tracking.domain import workspaces
from murmur_tracking.domain.refusals import BadValue, Refusal
from murmur_tracking.mlflow_api.fields import Fields, asked, parsed

PREFIXES = ("/api/2.0/mlflow", "/ajax-api/2.0/mlflow", "/api/3.0/mlflow", "/ajax-api/3.0/mlflow")
WORKSPACE_HEADER = "x-murmur-workspace"

log = structlog.get_logger()


@dataclass(frozen=True)
class Call:
    workspace: str
    fields: Fields
    path: dict[str, Any]
    size: int


Answer = Callable[[Call], Awaitable[dict[str, Any]]]
Opening = Callable[[str], Awaitable[None]]
"""Has a workspace there when it is first named."""


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
            call = await _call(request)
            await opening(call.workspace)
            return _json(await endpoint.answer(call), 200)
        except Refusal as refusal:
            return failure(refusal.code, str(refusal), refusal.status)
        except SearchRefused as error:
            return failure(BadValue.code, str(error), BadValue.status)
        except NotSignedIn as error:
            return failure("UNAUTHENTICATED", str(error), 401)
        except AuthError as error:
            return failure("PERMISSION_DENIED", str(error), 403)
        except (Transient, NoSpace) as error:
            return failure("TEMPORARILY_UNAVAILABLE", str(error), 503)
        except (BadCursor, EventTooLarge) as error:
            return failure(BadValue.code, str(error), 400)
        except KernelError as error:
            log.exception("mlflow_call_failed", path=request.url.path)
            return failure("INTERNAL_ERROR", str(error), 500)

    return answer


def failure(code: str, message: str, status: int) -> Response:
    return _json({"error_code": code, "message": message}, status)


def _json(body: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


def _admit(request: Request, role: Role) -> None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    shown = token if scheme.lower() == "bearer" else None
    caller.set(Identity(request.app.state.gate.admit(shown, role)))


async def _call(request: Request) -> Call:
    """Raises BadValue for a body of another kind than JSON."""
    workspace = request.headers.get(WORKSPACE_HEADER, workspaces.DEFAULT)
    if not workspaces.is_name(workspace):
        raise BadValue(f"{workspace!r} is no name for a workspace: use up to 64 letters, digits, - and _")
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
