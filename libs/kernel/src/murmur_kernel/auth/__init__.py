"""Who is calling, and whether they may: every route states the role it needs; an app with one that does not is refused.

@api.post("/models/{name}/versions/{version}/review", dependencies=[allows(Role.APPROVER)])
async def decide(name: str, body: ReviewBody, caller: Caller) -> ReviewView:
    by = caller.signs_as(body.by)
"""

from murmur_access import Person, Role
from murmur_kernel.auth.gate import AuthError, Forbidden, Gate, NotSignedIn, SomebodyElse, Unnamed
from murmur_kernel.auth.identity import Caller, Identity, caller
from murmur_kernel.auth.routes import (
    RoleNeeded,
    RouteWithoutRole,
    allows,
    check_routes,
    describe_roles,
    open_to_all,
    role_of,
)

__all__ = [
    "AuthError",
    "Caller",
    "Forbidden",
    "Gate",
    "Identity",
    "NotSignedIn",
    "Person",
    "Role",
    "RoleNeeded",
    "RouteWithoutRole",
    "SomebodyElse",
    "Unnamed",
    "allows",
    "caller",
    "check_routes",
    "describe_roles",
    "open_to_all",
    "role_of",
]
