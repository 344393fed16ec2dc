"""Servers that are away for a moment, or for good, while an import goes on."""

from collections.abc import Callable

import httpx
import pytest
from mlflow_contents import filled, seen, without_marks
from mlflow_worlds import World, imported

from murmur_cli.mlflow_import.errors import Lost

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
