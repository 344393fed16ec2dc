"""Routes and roles: how a route states who may call it, and the look at all routes that finds one which does not."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.routing import Route

from murmur_access import Role
from murmur_kernel.auth.gate import Gate
from murmur_kernel.auth.identity import Identity, caller

_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="Made by `murmur tokens create`.")


class RouteWithoutRole(RuntimeError):
    """A bug of whoever wrote the route, found before anybody can call it."""

    def __init__(self, routes: list[str]) -> None:
        super().__init__(
            f"these routes do not say who may call them: {', '.join(routes)}. Add"
            f" dependencies=[allows(Role.VIEWER)] (or the role it needs), or [open_to_all('why')]"
        )


class RoleNeeded:
    """The dependency behind `allows`. It runs before everything else of its route."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(
        self, request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> None:
        gate: Gate = request.app.state.gate
        caller.set(Identity(gate.admit(shown.credentials if shown else None, self.role)))


class OpenToAll:
    """The dependency behind `open_to_all`: it asks nothing and keeps the reason."""

    def __init__(self, why: str) -> None:
        self.why = why

    async def __call__(self) -> None:
        """Nobody is asked."""


def allows(role: Role) -> Any:
    """For `dependencies=[...]` of a route: whoever calls it must hold this role. Answers 401 or 403 otherwise."""
    return Depends(RoleNeeded(role))


def open_to_all(why: str) -> Any:
    """For `dependencies=[...]` of a route that must answer without a token; the reason is part of the API's page."""
    return Depends(OpenToAll(why))


def check_routes(app: FastAPI) -> None:
    """Raises RouteWithoutRole when a route of the app does not state who may call it.

    The API's description and its page are open: they say what can be asked, which everybody may know.
    """
    described = {app.openapi_url, app.docs_url, app.redoc_url, app.swagger_ui_oauth2_redirect_url}
    silent = [
        _name(route)
        for route in iter_route_contexts(app.routes)
        if not (_stated(route) or (type(route.original_route) is Route and route.path in described))
    ]
    if silent:
        raise RouteWithoutRole(silent)


def describe_roles(app: FastAPI) -> None:
    """Let the API's description say of each operation which role it needs, and how it refuses."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        for route in iter_route_contexts(app.routes):
            for method in route.methods or ():
                operation = document["paths"].get(route.path, {}).get(method.lower())
                if operation is not None:
                    _describe(operation, _stated(route))
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own guide extends a description


def role_of(route: RouteContext) -> Role | None:
    """The role that callers must hold; None for a route that is open, or states nothing."""
    stated = _stated(route)
    return stated.role if isinstance(stated, RoleNeeded) else None


def _describe(operation: dict[str, Any], stated: "RoleNeeded | OpenToAll | None") -> None:
    match stated:
        case RoleNeeded(role=role):
            operation["x-required-role"] = role.value
            operation["responses"].setdefault("401", _refusal("No valid token was shown."))
            if role is not Role.VIEWER:
                operation["responses"].setdefault("403", _refusal(f"The caller lacks the role {role.value}."))
        case OpenToAll(why=why):
            operation["x-open-to-all"] = why


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": {"type": "object"}}}}


def _stated(route: RouteContext) -> "RoleNeeded | OpenToAll | None":
    """What is said nearest to the route counts, should its router say something else."""
    dependant: Dependant | None = getattr(route, "dependant", None)
    said = [] if dependant is None else [one.call for one in dependant.dependencies]
    return next((one for one in said[::-1] if isinstance(one, RoleNeeded | OpenToAll)), None)


def _name(route: RouteContext) -> str:
    return f"{' '.join(sorted(route.methods or ()))} {route.path or repr(route.original_route)}".strip()
