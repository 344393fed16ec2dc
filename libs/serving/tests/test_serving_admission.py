"""Whoever is asked for a token is asked on every route of the model server that uses or changes a model."""

from pathlib import Path

import httpx
import pytest
from mlserver.rest.app import create_app
from mlserver.settings import Settings
from starlette.routing import Route

from murmur_access import TokenFile
from murmur_serving.admission import Admission, AskingWeb, Refused
from murmur_serving.config import BATCH_HEADER, PROBE_HEADER


async def test_every_route_that_is_not_read_only_needs_a_token(tmp_path: Path) -> None:
    app = create_app(Settings(), None, None)
    asking = AskingWeb(app, Admission(TokenFile(tmp_path / "tokens.json"), mark="m"))
    calls = [
        (method, route.path.format(model_name="credit", model_version="1"))
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    ]

    transport = httpx.ASGITransport(asking, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://replica") as client:
        asked = {(method, path) for method, path in calls if (await client.request(method, path)).status_code == 401}

    assert asked == {(method, path) for method, path in calls if method not in ("GET", "HEAD")}
    assert ("POST", "/v2/models/credit/infer_stream") in asked


@pytest.mark.parametrize("header", [PROBE_HEADER, BATCH_HEADER])
def test_the_deployers_own_requests_show_the_replicas_mark(tmp_path: Path, header: str) -> None:
    admission = Admission(TokenFile(tmp_path / "tokens.json"), mark="m")
    admission.admit("/v2/models/credit/infer", {header: "m"})
    with pytest.raises(Refused):
        admission.admit("/v2/models/credit/infer", {header: "another"})
