"""The REST API of the flock as the console calls it, through the front door."""

import ssl
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from pydantic import ValidationError

from murmur_kernel.dead_letters_api import DeadLetterDetail, DeadLetterPage
from murmur_kernel.health import Readiness

_NAMESPACE = uuid.UUID("3f0f6c1e-6d75-4d72-8d72-636f6e736f6c")


class DoorError(Exception):
    """A call that did not do what was asked.

    DoorError
    ├── Unreachable   nobody answered: it may or may not have been done; asking again is safe
    └── Refusal       the service said no, and why
    """


class Unreachable(DoorError):
    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what} does not answer ({why}). Is the flock up? `murmur status` tells.")


class Refusal(DoorError):
    """problem: all that the service said of it, such as the place of a mistake."""

    def __init__(self, status: int, detail: str, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.problem = problem or {}


@dataclass(frozen=True)
class Decision:
    """What a reviewer has decided about one version, in reply to one request for review."""

    request_id: str
    model: str
    version: int
    decision: str
    by: str
    reason: str

    @property
    def idempotency_key(self) -> str:
        """The same click twice is one decision; a corrected reason after a refusal is another try."""
        return str(uuid.uuid5(_NAMESPACE, f"{self.request_id}|{self.decision}|{self.by}|{self.reason}"))


class FrontDoor:
    """Every call of the console. Methods raise Unreachable or Refusal."""

    def __init__(
        self,
        address: str,
        *,
        token: Callable[[], str | None] = lambda: None,
        trusted: Path | None = None,
        timeout: float = 5.0,
    ) -> None:
        """token: whose call it is, asked at each; trusted: certificates to trust beside the machine's own."""
        self.address = address
        self._token = token
        self._client = httpx.AsyncClient(base_url=address, timeout=timeout, verify=_trusting(trusted))

    async def close(self) -> None:
        await self._client.aclose()

    async def readiness(self, service: str) -> Readiness:
        """A service that is up but not ready answers too: with 503, and why."""
        response = await self._send("GET", service, "/readyz")
        try:
            return Readiness.model_validate_json(response.content)
        except ValidationError:
            raise Unreachable(service, f"HTTP status {response.status_code} from the front door") from None

    async def dead_letters(self, service: str, **query: str) -> DeadLetterPage:
        """The newest; `topic`, `error` and `cursor` narrow it down."""
        response = await self._ok("GET", service, f"/v1/dead-letters?{urlencode(query)}")
        try:
            return DeadLetterPage.model_validate_json(response.content)
        except ValidationError as error:
            raise Refusal(response.status_code, f"an answer that does not fit the contract: {error}") from error

    async def read(
        self, service: str, path: str, query: Mapping[str, str | Sequence[str]], *, workspace: str = ""
    ) -> bytes:
        """The body of what a service answers. workspace: whose names are meant; empty for the default one."""
        where = f"{path}?{urlencode(query, doseq=True)}" if query else path
        return (await self._ok("GET", service, where, workspace=workspace)).content

    async def post(
        self, service: str, path: str, body: Mapping[str, object], *, key: str, workspace: str = ""
    ) -> Mapping[str, Any]:
        """What a service answers to a wish. key: the same wish again is the same thing."""
        response = await self._ok("POST", service, path, json=body, key=key, workspace=workspace)
        answer: Mapping[str, Any] = response.json()
        return answer

    @asynccontextmanager
    async def stream(
        self, service: str, path: str, *, workspace: str = "", token: str | None = None
    ) -> AsyncIterator[httpx.Response]:
        """A body of any size, to be read piece by piece."""
        headers = self._headers(workspace=workspace, token=token)
        try:
            async with self._client.stream("GET", f"/{service}{path}", headers=headers) as response:
                if not response.is_success:
                    await response.aread()
                    raise _refused(service, response)
                yield response
        except httpx.TransportError as error:
            raise Unreachable(service, str(error) or type(error).__name__) from error

    async def dead_letter(self, service: str, letter_id: str) -> DeadLetterDetail:
        response = await self._ok("GET", service, f"/v1/dead-letters/{letter_id}")
        try:
            return DeadLetterDetail.model_validate_json(response.content)
        except ValidationError as error:
            raise Refusal(response.status_code, f"an answer that does not fit the contract: {error}") from error

    async def redrive(self, service: str, letter_id: str, *, by: str, reason: str) -> None:
        body = {"by": by, "reason": reason}
        await self._ok("POST", service, f"/v1/dead-letters/{letter_id}/redrive", json=body, key=str(uuid.uuid4()))

    async def redrive_all(self, service: str, *, by: str, reason: str, **which: str) -> int:
        """Those of one service that fit, up to 500 a call; how many."""
        body = {"by": by, "reason": reason, "limit": 500, **which}
        response = await self._ok("POST", service, "/v1/dead-letters/redrive", json=body, key=str(uuid.uuid4()))
        return int(response.json()["redriven"])

    async def discard(self, service: str, letter_id: str, *, by: str, reason: str) -> None:
        body = {"by": by, "reason": reason}
        await self._ok("POST", service, f"/v1/dead-letters/{letter_id}/discard", json=body, key=str(uuid.uuid4()))

    async def edit(self, service: str, letter_id: str, value: object, *, by: str, reason: str) -> None:
        body = {"value": value, "by": by, "reason": reason}
        await self._ok("PUT", service, f"/v1/dead-letters/{letter_id}/payload", json=body, key=str(uuid.uuid4()))

    async def change_freeze(self, what: str, workflow: str | None, *, freeze: bool, by: str, reason: str) -> None:
        """Freeze or unfreeze one workflow, or all where none is named."""
        path = f"/v1/freezes/{what}" + (f"/{workflow}" if workflow else "")
        body = {"by": by, "reason": reason}
        if freeze:
            await self._ok("PUT", "trainer", path, json=body, key=str(uuid.uuid4()))
        else:
            await self._ok("DELETE", "trainer", f"{path}?{urlencode(body)}", key=str(uuid.uuid4()))

    async def roll_back(self, deployment: str, version: int, *, since: str, by: str, reason: str) -> None:
        """version: that shall go. since: names its time, so that one click twice is one, a later one another."""
        key = str(uuid.uuid5(_NAMESPACE, f"roll back|{deployment}|{since}|{by}|{reason}"))
        path = f"/v1/deployments/{quote(deployment, safe='')}/rollback"
        await self._ok("POST", "deployer", path, json={"version": version, "by": by, "reason": reason}, key=key)

    async def infer(self, deployment: str, request: Mapping[str, object]) -> httpx.Response:
        """As any client asks a model, and as the person whose page it is; whatever is answered. Raises Unreachable."""
        return await self._send("POST", "v2", f"/models/{quote(deployment, safe='')}/infer", json=request)

    async def report(self, model: str, version: int, *, token: str | None) -> bytes:
        """The report of a validation, as the one who holds the token may read it."""
        answer = await self._ok("GET", "validator", f"/v1/validations/{model}/{version}/report", token=token)
        return answer.content

    async def decide(self, decision: Decision) -> None:
        body = {"decision": decision.decision, "by": decision.by, "reason": decision.reason}
        path = f"/v1/models/{decision.model}/versions/{decision.version}/review"
        await self._ok("POST", "registry", path, json=body, key=decision.idempotency_key)

    async def _ok(
        self,
        method: str,
        service: str,
        path: str,
        *,
        json: Any = None,
        key: str | None = None,
        token: str | None = None,
        workspace: str = "",
    ) -> httpx.Response:
        response = await self._send(method, service, path, json=json, key=key, token=token, workspace=workspace)
        if response.is_success:
            return response
        raise _refused(service, response)

    async def _send(
        self,
        method: str,
        service: str,
        path: str,
        *,
        json: Any = None,
        key: str | None = None,
        token: str | None = None,
        workspace: str = "",
    ) -> httpx.Response:
        headers = self._headers(workspace=workspace, token=token) | ({"Idempotency-Key": key} if key else {})
        try:
            return await self._client.request(method, f"/{service}{path}", json=json, headers=headers)
        except httpx.TransportError as error:
            raise Unreachable(service, str(error) or type(error).__name__) from error

    def _headers(self, *, workspace: str, token: str | None) -> dict[str, str]:
        shown = token or self._token()
        return {
            **({"Authorization": f"Bearer {shown}"} if shown else {}),
            **({"X-Murmur-Workspace": workspace} if workspace else {}),
        }


def _refused(service: str, response: httpx.Response) -> DoorError:
    """MLflow's door says `message` where ours says `detail`."""
    try:
        problem = response.json()
        detail = problem.get("detail") or problem.get("message") or problem.get("title") or response.reason_phrase
    except (ValueError, AttributeError):
        return Unreachable(service, f"HTTP status {response.status_code} from the front door")
    return Refusal(response.status_code, str(detail), problem)


def _trusting(certificates: Path | None) -> ssl.SSLContext | bool:
    if certificates is None:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(certificates)
    return context
