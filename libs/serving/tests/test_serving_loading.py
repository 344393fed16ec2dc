"""What a server says before its model is there."""

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from murmur_serving.loading import StillLoading


async def asked(path: str, loading: set[str], *, method: str = "POST") -> httpx.Response:
    async def mlserver(request: Request) -> PlainTextResponse:
        return PlainTextResponse("MLServer", 404)

    app = Starlette(routes=[Route("/{rest:path}", mlserver, methods=["GET", "POST"])])
    app.add_middleware(StillLoading, loading=loading.__contains__)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://replica") as client:
        return await client.request(method, path)


async def test_who_asks_too_early_is_told_to_ask_again() -> None:
    for path in ("/v2/models/credit/infer", "/v2/models/credit/versions/3/infer"):
        answer = await asked(path, {"credit"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "'credit'" in answer.json()["error"]


async def test_a_model_that_nobody_waits_for_is_not_found() -> None:
    assert (await asked("/v2/models/fraud/infer", {"credit"})).status_code == 404


async def test_who_asks_whether_it_is_ready_is_answered_by_mlserver() -> None:
    assert (await asked("/v2/models/credit/ready", {"credit"}, method="GET")).text == "MLServer"
