"""The REST API of the flock as the command line calls it, through the front door."""

import getpass
import ssl
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO

import httpx

Json = dict[str, Any]


class DoorError(Exception):
    """The root of what can go wrong at the front door.

    DoorError
    ├── NotReachable   nobody answers: exit code 3
    └── Rejected       the service said no, as problem+json: exit code 1
    """


class NotReachable(DoorError):
    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"the front door {address} does not answer: {reason}")
        self.advice = "start the flock with `murmur up`, or set MURMUR_PORT to the port of the one that runs"


class Rejected(DoorError):
    """`problem` is the body that the service answered, RFC 9457."""

    def __init__(self, status: int, problem: Json) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"HTTP status {status}"))
        self.status = status
        self.problem = problem


class FrontDoor:
    """Calls `/<service>/v1/…`. A changing call that is repeated changes nothing: POST and DELETE carry an
    Idempotency-Key, PUT says what shall be."""

    def __init__(
        self, address: str, *, token: str | None = None, trusted: Path | None = None, timeout: float = 30
    ) -> None:
        """token: shown with each call; trusted: certificates to trust beside the machine's own."""
        self.address = address
        self.signed_in = token is not None
        self.verify = _trusting(trusted)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.AsyncClient(base_url=address, timeout=timeout, headers=self.headers, verify=self.verify)

    async def __aenter__(self) -> "FrontDoor":
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    def enter(self, workspace: str) -> None:
        """Calls from now on mean what is in this workspace."""
        self._client.headers["X-Murmur-Workspace"] = workspace

    def signature(self, by: str | None) -> str | None:
        """Who is to be written down: the token says it where there is one, else whoever sits here."""
        return by if by or self.signed_in else getpass.getuser()

    async def get(self, path: str, **query: Any) -> Json:
        """Raises NotReachable or Rejected."""
        return await self._call("GET", path, params=_said(query))

    async def put(self, path: str, body: Json) -> Json:
        return await self._call("PUT", path, json=body)

    async def post(self, path: str, body: Json | None = None, *, key: str | None = None) -> Json:
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return await self._call("POST", path, json=body or {}, headers=headers)

    async def delete(self, path: str, **query: Any) -> Json:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return await self._call(
            "DELETE", path, params={k: v for k, v in query.items() if v is not None}, headers=headers
        )

    async def items(self, path: str, **query: Any) -> list[Json]:
        """All pages of a list."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = await self.get(path, **query, cursor=cursor)
            found += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return found

    async def send_file(self, path: str, file: Path, *, kind: str, sent: Callable[[int], None]) -> Json:
        """The file as body, piece by piece; `sent` hears how many bytes each piece has. Sent again, it is the same."""
        headers = {"Content-Type": kind, "Content-Length": str(file.stat().st_size)}
        patience = httpx.Timeout(30, read=600)  # the service looks at all of it before it answers
        return await self._call("POST", path, content=_pieces(file, sent), headers=headers, timeout=patience)

    async def fetch_file(self, path: str, to: Path, **query: Any) -> None:
        """Whole or not at all. A connection that is cut is taken up where it was, as long as something comes."""
        draft = to.with_name(f".{to.name}.part")
        try:
            with draft.open("wb") as file:
                while not await self._fetch_rest(path, file, _said(query)):
                    pass
            draft.replace(to)
        finally:
            draft.unlink(missing_ok=True)

    async def _fetch_rest(self, path: str, file: BinaryIO, query: dict[str, Any]) -> bool:
        """Whether that was all of it."""
        begun = file.tell()
        headers = {"Range": f"bytes={begun}-"} if begun else {}
        try:
            async with self._client.stream("GET", path, params=query, headers=headers) as response:
                if not response.is_success:
                    await response.aread()
                    raise self._refusal(path, response)
                async for piece in response.aiter_bytes():
                    file.write(piece)
        except httpx.TransportError as error:
            if file.tell() == begun:
                raise NotReachable(self.address, str(error) or type(error).__name__) from error
            return False
        return True

    async def _call(self, method: str, path: str, **options: Any) -> Json:
        try:
            response = await self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise NotReachable(self.address, str(error) or type(error).__name__) from error
        if response.is_success:
            body: Json = response.json()
            return body
        raise self._refusal(path, response)

    def _refusal(self, path: str, response: httpx.Response) -> DoorError:
        try:
            problem = response.json()
        except ValueError:
            problem = {"title": response.reason_phrase, "detail": response.text[:300] or response.reason_phrase}
        if response.status_code in (502, 503, 504) and "type" not in problem:
            return NotReachable(f"{self.address}{path}", f"HTTP status {response.status_code}")
        return Rejected(response.status_code, problem)


async def _pieces(file: Path, sent: Callable[[int], None]) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(2**18):
            yield piece
            sent(len(piece))


def _trusting(certificates: Path | None) -> ssl.SSLContext | bool:
    if certificates is None:
        return True
    context = ssl.create_default_context()
    context.load_verify_locations(certificates)
    return context


def _said(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
