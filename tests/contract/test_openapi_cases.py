"""Requests made from each service's own OpenAPI, valid and not: none breaks it, none leaves half of a change behind.

`MURMUR_SEED` and `MURMUR_CASES` choose other requests, and more of them.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from contracts.examples import golden
from murmur_events.catalog import SERVICES
from murmur_kernel.service import Service
from murmur_kernel.store import ChangeSet, RawRecord

SEED = int(os.environ.get("MURMUR_SEED", "20261125"))
CASES = int(os.environ.get("MURMUR_CASES", "20"))
"""Of each operation, half of them invalid on purpose."""

ADDRESS = "http://service"
STORY = sorted(golden(), key=lambda example: example.headers["ce_time"])
KNOWN = sorted({example.key for example in STORY})
"""Ids of models, runs, workflows, deployments that the services have heard of."""


@dataclass
class Caller:
    """Calls one service in process, over a real store that knows a story, and sees what each call commits."""

    app: FastAPI
    runner: asyncio.Runner
    commits: list[ChangeSet] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def call(self, case: Case) -> httpx.Response:
        asked = requests.Request(**case.as_transport_kwargs(base_url=ADDRESS)).prepare()
        self.commits.clear()
        response = self.runner.run(self._send(asked))
        self.statuses[response.status_code] += 1
        return response

    async def _send(self, asked: requests.PreparedRequest) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(
                str(asked.method), str(asked.url), headers=dict(asked.headers), content=asked.body or b""
            )


@pytest.fixture
def caller(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Caller]:
    package = f"murmur_{request.param}"
    settings = import_module(f"{package}.settings").Settings(home=tmp_path, brokers="127.0.0.1:1")
    service, app = import_module(f"{package}.app").build(settings)
    kinds = import_module(f"{package}.repository").KINDS
    with asyncio.Runner() as runner:
        runner.run(service.store.open({kind.name: kind.indexes for kind in kinds}))
        runner.run(tell_the_story(service))
        caller = Caller(app, runner)
        service.store.on_commit = caller.commits.append
        yield caller
        runner.run(service.store.close())


async def tell_the_story(service: Service[Any]) -> None:
    for offset, example in enumerate(STORY):
        if example.topic in service.dispatcher.topics:
            await service.dispatcher.handle(
                RawRecord(
                    topic=example.topic,
                    partition=0,
                    offset=offset,
                    key=example.key,
                    value=example.wire_value,
                    headers=example.wire_headers,
                )
            )


@pytest.mark.parametrize("caller", SERVICES, indirect=True)
@pytest.mark.timeout(300)
def test_no_request_breaks_a_service_or_leaves_half_of_a_change(
    caller: Caller, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = schemathesis.openapi.from_dict(caller.app.openapi())
    for found in schema.include(path_regex="^/v1/").get_all_operations():
        operation = found.ok()
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @seed(SEED)
        @hypothesis_settings(
            max_examples=CASES,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=cases, known=st.lists(st.sampled_from([None, *KNOWN]), min_size=4, max_size=4))
        def attempt(case: Case, known: list[str | None]) -> None:
            for name, value in zip(sorted(case.path_parameters or {}), known, strict=False):
                if value is not None and isinstance(case.path_parameters[name], str):
                    case.path_parameters[name] = value
            response = caller.call(case)
            said = f"{case.as_curl_command()} -> {response.status_code} {response.text[:500]}"
            assert response.status_code < 500, said
            if response.status_code >= 400:
                assert response.headers["content-type"] == "application/problem+json", said
                assert caller.commits == [], f"a refused call changed something: {said}"

        attempt()
    total = sum(caller.statuses.values())
    with capsys.disabled():
        print(f"\n  seed {SEED}: {total} requests, answers {dict(sorted(caller.statuses.items()))}", end=" ")  # noqa: T201
    assert caller.statuses[200] > 0
    assert total >= CASES
