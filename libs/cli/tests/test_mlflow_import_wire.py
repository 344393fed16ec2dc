"""Servers that are away for a moment, or for good, while an import goes on."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from mlflow_contents import filled, seen, without_marks
from mlflow_worlds import World, imported

from murmur_cli.mlflow_import.errors import Lost
from murmur_cli.mlflow_import.shapes import INCOMPLETE
from murmur_cli.mlflow_import.tally import Kind

Worlds = tuple[World, World]


class Away:
    """Whose connection breaks once before, once after every call that `concerns` it; or always."""

    def __init__(self, concerns: Callable[[httpx.Request], bool], *, always: bool = False) -> None:
        self._concerns = concerns
        self._always = always
        self._broken: set[tuple[str, bytes, bool]] = set()

    def __call__(self, request: httpx.Request, answered: bool) -> None:
        if not self._concerns(request):
            return
        said = request.content if hasattr(request, "_content") else b""
        what = (str(request.url), said, answered)
        if self._always or what not in self._broken:
            self._broken.add(what)
            raise httpx.ReadError("cut", request=request)


async def test_a_connection_that_breaks_at_every_call_once_changes_nothing_twice(worlds: Worlds) -> None:
    """Also after a call was answered: it is made again under the same Idempotency-Key."""
    there, here = worlds
    await filled(there)
    here.doors.watch = Away(lambda request: request.method != "GET")
    there.doors.watch = Away(lambda request: request.method == "GET")
    tally = await imported(there, here)
    here.doors.watch = there.doors.watch = lambda request, answered: None
    assert tally.left == []
    assert without_marks(await seen(here)) == without_marks(await seen(there))


def spoiled(request: httpx.Request) -> httpx.Request:
    """As many bytes as were sent, other ones."""
    if request.method == "PUT" and request.url.path.endswith("c.txt"):
        return httpx.Request("PUT", request.url, headers=request.headers, content=_other(request.stream))
    return request


async def _other(stream: Any) -> AsyncIterator[bytes]:
    async for piece in stream:
        yield bytes(byte ^ 1 for byte in piece)


async def test_a_file_that_arrives_changed_is_left_and_the_run_is_not_whole(worlds: Worlds) -> None:
    there, here = worlds
    ids = await filled(there)
    here.doors.spoil = spoiled
    tally = await imported(there, here)
    here.doors.spoil = lambda request: request
    assert next((one.kind, one.name) for one in tally.left) == (Kind.FILE, f"{ids['parent']}/a/b/c.txt")
    assert "is kept" in tally.left[0].reason
    run = (await here.get("/runs/get", run_id=ids["parent"]))["run"]
    assert INCOMPLETE in {tag["key"] for tag in run["data"]["tags"]}
    assert (await imported(there, here)).left == []
    assert without_marks(await seen(here)) == without_marks(await seen(there))


@pytest.mark.parametrize("side", ["source", "flock"])
async def test_a_server_that_stays_away_ends_the_import_and_it_goes_on_later(worlds: Worlds, side: str) -> None:
    there, here = worlds
    await filled(there)
    away = there if side == "source" else here
    away.doors.watch = Away(
        lambda request: "metrics/get-history" in request.url.path or "logged" in request.url.path, always=True
    )
    with pytest.raises(Lost, match="does not answer"):
        await imported(there, here)
    away.doors.watch = lambda request, answered: None
    await imported(there, here)
    assert without_marks(await seen(here)) == without_marks(await seen(there))
