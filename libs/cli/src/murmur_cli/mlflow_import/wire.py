"""Calls of one server: repeated while it is away for moments, its errors told apart."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx

from murmur_cli.door import Json
from murmur_cli.mlflow_import.errors import AGAIN, Lost, NoImport, Refusal

PATIENCE = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each further try."""

_AWAY = (429, 502, 503, 504)
TROUBLES = (httpx.TransportError,)


class Wire:
    """`title` names the server in errors; `advice` says what to do about a refused token, `away` where it is away."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        title: str,
        *,
        advice: str = "",
        away: str = AGAIN,
        patience: Sequence[float] = PATIENCE,
    ) -> None:
        self._client = client
        self._advice = advice
        self._away = away
        self._patience = patience
        self.title = title

    def impatient(self) -> "Wire":
        """For the first call: a server that is not there is most likely not the one that was meant."""
        return Wire(self._client, self.title, advice=self._advice, away=self._away, patience=())

    async def get(self, path: str, /, **query: Any) -> Json:
        """Raises Refusal, Lost, NoImport, as all of these do."""
        return _json(await self._asked("GET", path, params={k: v for k, v in query.items() if v is not None}))

    async def text(self, path: str) -> str:
        return (await self._asked("GET", path)).text

    async def header(self, path: str, name: str, **sent: str) -> str | None:
        """Of the answer to a GET."""
        found = (await self._asked("GET", path, headers=sent)).headers.get(name)
        return None if found is None else str(found)

    async def send(self, method: str, path: str, body: Json) -> Json:
        """A further try is the same call: it carries the same Idempotency-Key."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return _json(await self._asked(method, path, json=body, headers=headers))

    async def put(self, path: str, pieces: AsyncIterator[bytes]) -> None:
        """Once: who has read the pieces must open them anew for a further try."""
        patience = httpx.Timeout(60, read=1800)  # a large file is put in its place before it is answered
        headers = {"Content-Type": "application/octet-stream"}
        self._checked(await self._client.put(path, content=pieces, headers=headers, timeout=patience))

    @asynccontextmanager
    async def stream(self, path: str, /, **query: Any) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of an answer as they come, tried once."""
        headers = {"Accept-Encoding": "identity"}
        async with self._client.stream("GET", path, params=query, headers=headers) as answer:
            if not answer.is_success:
                await answer.aread()
                self._checked(answer)
            yield answer.aiter_bytes(2**20)

    async def pause(self, attempt: int, error: Exception) -> None:
        """Before the next try, of which the first is 1. Raises Lost when there is none."""
        if attempt > len(self._patience):
            raise Lost(self.title, str(error) or type(error).__name__, self._away) from error
        await asyncio.sleep(self._patience[attempt - 1])

    async def _asked(self, method: str, path: str, **options: Any) -> httpx.Response:
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = await self._client.request(method, path, **options)
                if answer.status_code not in _AWAY:
                    return self._checked(answer)
                trouble: Exception = _refusal(answer)
            except TROUBLES as error:
                trouble = error
            await self.pause(attempt, trouble)

    def _checked(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        refusal = _refusal(answer)
        if answer.status_code == 401:
            raise NoImport(f"{self.title} lets nobody in who shows this: {refusal}", self._advice)
        if answer.status_code == 507:
            raise NoImport(f"{self.title} has no room: {refusal}", f"make room; {AGAIN}")
        raise refusal


def _json(answer: httpx.Response) -> Json:
    """Raises Refusal where it is none."""
    try:
        body = json.loads(answer.content or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(answer.status_code, "", f"{answer.request.url.path} answers no JSON object")
    return body


def _refusal(answer: httpx.Response) -> Refusal:
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    message = body.get("message") or body.get("detail") or ""
    if mistakes := body.get("mistakes"):
        message = f"{message}: {mistakes[0].get('where')}: {mistakes[0].get('message')}"
    text = str(message) or f"HTTP status {answer.status_code} {answer.reason_phrase}".strip()
    return Refusal(answer.status_code, str(body.get("error_code") or body.get("title") or ""), text[:500])
