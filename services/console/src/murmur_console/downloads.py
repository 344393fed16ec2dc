"""Artifacts of runs, fetched as the person who reads them: a browser that opens a link shows no token."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import PurePosixPath
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from murmur_console.clients import DoorError, FrontDoor, Refusal
from murmur_console.research import artifact_path
from murmur_console.signing.sessions import Sessions

_PIECE = 256 * 1024
_NEVER_SHOWN = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
"""Artifacts are whatever somebody uploaded: they are saved, never opened as a page of this console."""


def download_path(run: str, path: str, workspace: str) -> str:
    return f"/artifacts/{quote(run, safe='')}?{urlencode({'path': path, 'workspace': workspace})}"


def router(sessions: Sessions, door: FrontDoor) -> APIRouter:
    api = APIRouter(include_in_schema=False)

    @api.get("/artifacts/{run}")
    async def download(run: str, path: str, request: Request, workspace: str = "") -> Response:
        session = sessions.of(request.cookies)
        token = session.token if session else None
        stack = AsyncExitStack()
        try:
            found = await stack.enter_async_context(
                door.stream("get-artifact", artifact_path(run, path), workspace=workspace, token=token)
            )
        except DoorError as error:
            status = error.status if isinstance(error, Refusal) else 503
            return PlainTextResponse(str(error), status)

        async def pieces() -> AsyncIterator[bytes]:
            async with stack:
                async for piece in found.aiter_bytes(_PIECE):
                    yield piece

        name = quote(PurePosixPath(path).name, safe="")
        headers = {**_NEVER_SHOWN, "Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return StreamingResponse(pieces(), headers=headers, media_type="application/octet-stream")

    return api


async def beginning(door: FrontDoor, workspace: str, run: str, path: str, most: int) -> tuple[bytes, bool]:
    """Up to so many bytes of an artifact, and whether that is all of it. Raises DoorError."""
    content = b""
    async with door.stream("get-artifact", artifact_path(run, path), workspace=workspace) as found:
        async for piece in found.aiter_bytes(_PIECE):
            content += piece
            if len(content) > most:
                return content[:most], False
    return content, True
