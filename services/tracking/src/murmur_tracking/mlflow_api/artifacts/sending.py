"""Sends an artifact, whole or a range of it: as an attachment, so that no page of somebody's runs in this origin."""

import re

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from murmur_tracking.mlflow_api.artifacts.claims import Claim
from murmur_tracking.mlflow_api.artifacts.media import attachment, media_type
from murmur_tracking.mlflow_api.artifacts.shelf import Shelf

_AT_ONCE = 2**20
"""Up to here all bytes are checked before the first is sent; above, before the last is."""

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


async def sent(request: Request, shelf: Shelf, claim: Claim, name: str) -> Response:
    """Raises ArtifactError, Transient where that can be told before anything is sent."""
    size, tag = claim.size, f'"{claim.sha256}"'
    headers = {
        "Content-Disposition": attachment(name),
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",  # ask again, and be told that it is unchanged
        "ETag": tag,
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    begin, end, status = 0, size, 200
    if (wanted := _wanted(request, tag, size)) is not None:
        begin, end = wanted
        if begin >= end:
            return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        status, headers["Content-Range"] = 206, f"bytes {begin}-{end - 1}/{size}"
    headers |= {"Content-Type": media_type(name), "Content-Length": str(end - begin)}
    if size <= _AT_ONCE:
        return Response((await shelf.read(claim))[begin:end], status_code=status, headers=headers)
    return StreamingResponse(shelf.pieces(claim, begin, end), status_code=status, headers=headers)


def _wanted(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """From and up to, not including; an empty range cannot be had. None asks for all.

    RFC 9110 lets a server ignore several ranges, and makes it ignore those of another version (If-Range).
    """
    asked = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if asked is None or request.headers.get("if-range", tag) != tag:
        return None
    first, last = asked.groups()
    if first:
        if last and int(last) < int(first):
            return None
        return int(first), min(int(last) + 1, size) if last else size
    if last:
        return (max(size - int(last), 0), size) if int(last) else (size, size)
    return None
