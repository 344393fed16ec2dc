"""Routes follow each other in a real Envoy under load, whatever was applied before and whoever died after it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from test_deployer_contracts import answering

from murmur_deployer.domain.routing import Endpoint, Pool, Route, RoutingTable, Share
from murmur_deployer.envoy.router import EnvoyRouter
from murmur_deployer.ports import RouteNotApplied
from murmur_kernel.testing import eventually


@asynccontextmanager
async def asking(url: str) -> AsyncIterator[Counter[str]]:
    """What clients are answered that never pause: the text, or the status where it is not 200."""
    seen: Counter[str] = Counter()
    ended = asyncio.Event()

    async def client() -> None:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
            while not ended.is_set():
                answer = await http.post(f"{url}/v2/models/credit/infer")
                seen[answer.text if answer.status_code == 200 else f"{answer.status_code} {answer.text}"] += 1

    async with asyncio.TaskGroup() as clients:
        for _ in range(4):
            clients.create_task(client())
        try:
            yield seen
        finally:
            ended.set()


def only(first: int) -> RoutingTable:
    return RoutingTable((Route("credit", "credit-v1"),), (Pool("credit-v1", (Endpoint("a", first),)),))


def both(first: int, second: int, route: Route) -> RoutingTable:
    return RoutingTable((route,), (*only(first).pools, Pool("credit-v2", (Endpoint("b", second),))))


SWAPPED = Route("credit", "credit-v2")
HALF = Route("credit", "credit-v1", canary=Share("credit-v2", 0.5))
SHADOW = Route("credit", "credit-v1", canary=Share("credit-v2", 0.0))


@pytest.mark.parametrize("applied", [SWAPPED, HALF, SHADOW], ids=["swapped", "half", "shadow"])
async def test_a_table_without_a_pool_that_is_still_led_to_costs_no_request(front_door, http, applied: Route) -> None:
    """As after a crash between Envoy's word that it has a table and the record of it, by the next deployer."""
    async with answering("a") as first, answering("b") as second:
        await front_door.router(http).apply(only(first))
        async with asking(front_door.url) as seen:
            for _ in range(3):
                await front_door.router(http).apply(both(first, second, applied))
                before = seen.total()
                await eventually(lambda before=before: seen.total() > before + 50)
                await front_door.router(http).apply(only(first))
        assert set(seen) <= {"a", "b"}, seen
        assert seen["a"] > 0
        assert "credit-v2" not in (front_door.home.envoy / "clusters.json").read_text()


async def test_a_table_that_came_too_late_is_left_without_a_lost_request(front_door, http) -> None:
    """Envoy may take the routes of a table after it was given up."""
    async with answering("a") as first, answering("b") as second:
        router = front_door.router(http)
        await router.apply(only(first))

        async with asking(front_door.url) as seen:
            for _ in range(3):
                hasty = front_door.router(http)
                hasty._admin.version_of_routes = _mute
                hasty._seconds = 0.5
                with pytest.raises(RouteNotApplied):
                    await hasty.apply(both(first, second, SWAPPED))
                await router.apply(only(first))
        assert set(seen) <= {"a", "b"}, seen


async def test_a_table_is_left_that_was_written_and_not_yet_taken(front_door, http, monkeypatch) -> None:
    """Two tables later, Envoy may still lead as the first of them says."""
    async with answering("a") as first, answering("b") as second, answering("c") as third:
        router: EnvoyRouter = front_door.router(http)
        await router.apply(only(first))
        last = RoutingTable((Route("credit", "credit-v3"),), (Pool("credit-v3", (Endpoint("c", third),)),))
        async with asking(front_door.url) as seen:
            routes = front_door.home.envoy / "routes.json"
            with monkeypatch.context() as slow:
                slow.setattr(router, "_put", _but(routes, router._put))
                slow.setattr(router, "_seconds", 0.5)
                for table in (both(first, second, SWAPPED), last):
                    with contextlib.suppress(RouteNotApplied):
                        await router.apply(table)
                    before = seen.total()
                    await eventually(lambda before=before: seen.total() > before + 50)
            await router.apply(last)
            await eventually(lambda: seen["c"] > 50)
        assert set(seen) <= {"a", "b", "c"}, seen


async def test_a_cluster_that_envoy_refused_does_not_stay_in_the_way(front_door, http) -> None:
    async with answering("a") as first:
        router = front_door.router(http, seconds=0.5)
        await router.apply(only(first))
        refused = RoutingTable((Route("credit", "odd"),), (Pool("odd", (Endpoint("odd", first),), most=2**31),))
        with pytest.raises(RouteNotApplied, match="of clusters"):
            await router.apply(refused)
        more = RoutingTable((SWAPPED,), (*only(first).pools, Pool("credit-v2", (Endpoint("b", first),))))
        await router.apply(more)


async def _mute() -> str:
    return "no answer"


def _but(path, put):
    """Written, but not so that Envoy hears of it: it watches for renames."""

    def quietly(to, text: str) -> None:
        if to == path:
            to.write_text(text)
        else:
            put(to, text)

    return quietly
