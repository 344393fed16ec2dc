"""All calls of MLflow's registry, on one screen: method, path, the role that is needed, who answers."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.routing import BaseRoute

from murmur_kernel.auth import Role, caller
from murmur_mlflow.door import Answer, Door, Endpoint, Json
from murmur_mlflow.door import Call as AnyCall
from murmur_mlflow.workspaces import named_in
from murmur_registry.callers import let_in
from murmur_registry.mlflow_api import aliases, models, searching, versions
from murmur_registry.mlflow_api.calls import Call, Desk, call_of
from murmur_registry.mlflow_api.errors import ERRORS

_LARGEST_BODY = 8 * 2**20

MOVES = Role.VIEWER
"""What moves aliases and stages is asked for by authors and by approvers: which of them may is the model's rule, so
that the route lets either in."""

Answers = Callable[[Desk, Call], Awaitable[Json]]

CALLS: tuple[tuple[str, str, Role, Answers], ...] = (
    ("POST", "/registered-models/create", Role.AUTHOR, models.create),
    ("GET", "/registered-models/get", Role.VIEWER, models.get),
    ("PATCH", "/registered-models/update", Role.AUTHOR, models.update),
    ("POST", "/registered-models/rename", Role.AUTHOR, models.rename),
    ("DELETE", "/registered-models/delete", Role.AUTHOR, models.delete),
    ("GET", "/registered-models/search", Role.VIEWER, searching.models),
    ("GET", "/registered-models/get-latest-versions", Role.VIEWER, models.latest_versions),
    ("POST", "/registered-models/get-latest-versions", Role.VIEWER, models.latest_versions),
    ("POST", "/registered-models/set-tag", Role.AUTHOR, models.set_tag),
    ("DELETE", "/registered-models/delete-tag", Role.AUTHOR, models.delete_tag),
    ("POST", "/registered-models/alias", MOVES, aliases.set_alias),
    ("DELETE", "/registered-models/alias", MOVES, aliases.delete_alias),
    ("GET", "/registered-models/alias", Role.VIEWER, aliases.get_by_alias),
    ("POST", "/model-versions/create", Role.AUTHOR, versions.create),
    ("GET", "/model-versions/get", Role.VIEWER, versions.get),
    ("PATCH", "/model-versions/update", Role.AUTHOR, versions.update),
    ("POST", "/model-versions/transition-stage", MOVES, versions.transition_stage),
    ("DELETE", "/model-versions/delete", Role.AUTHOR, versions.delete),
    ("GET", "/model-versions/get-download-uri", Role.VIEWER, versions.get_download_uri),
    ("GET", "/model-versions/search", Role.VIEWER, searching.versions),
    ("POST", "/model-versions/set-tag", MOVES, versions.set_tag),
    ("DELETE", "/model-versions/delete-tag", MOVES, versions.delete_tag),
)

MOVING = (aliases.set_alias, aliases.delete_alias, versions.transition_stage, versions.set_tag, versions.delete_tag)


def mlflow_routes(desk: Desk) -> list[BaseRoute]:
    endpoints = [Endpoint((method,), path, role, _answering(desk, answers)) for method, path, role, answers in CALLS]
    return [*Door(_workspace, ERRORS, largest_body=_LARGEST_BODY).routes(endpoints)]


async def _workspace(request: Request) -> str:
    """Raises BadValue."""
    return named_in(request.headers)


def _answering(desk: Desk, answers: Answers) -> Answer:
    moves = answers in MOVING

    async def answer(call: AnyCall) -> Json:
        if moves:
            await let_in(caller.get())
        return await answers(desk, call_of(call))

    return answer
