"""Requests made from the protocol's own OpenAPI, valid and not: a model server answers each, with words of its own.

`MURMUR_SEED` and `MURMUR_CASES` choose other requests, and more of them.
"""

import os
from collections import Counter
from collections.abc import Iterator

import httpx
import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from replicas import Replica, serving
from schemathesis import Case, GenerationMode

pytestmark = pytest.mark.flock

SEED = int(os.environ.get("MURMUR_SEED", "20261129"))
CASES = int(os.environ.get("MURMUR_CASES", "40"))
"""Of each operation, half of them invalid on purpose."""


@pytest.fixture(scope="module")
def replica(model, tmp_path_factory) -> Iterator[Replica]:
    with serving(model, tmp_path_factory.mktemp("replica")) as running:
        yield running


@pytest.mark.timeout(300)
def test_no_request_breaks_a_model_server(replica, capsys: pytest.CaptureFixture[str]) -> None:
    address = f"http://127.0.0.1:{replica.ports.http}"
    statuses: Counter[int] = Counter()
    with httpx.Client(timeout=20) as client:
        published = client.get(f"{address}/v2/docs/dataplane.json").text
        # "bytes" is no type of JSON Schema; MLServer publishes it as the other form of a tensor's data.
        schema = schemathesis.openapi.from_dict(orjson.loads(published.replace('"bytes"', '"string"')))
        # MLServer's own addition of streams has sent its status before it looks at the request: it can only hang up.
        for found in schema.exclude(path_regex="_stream$").get_all_operations():
            operation = found.ok()
            modes = GenerationMode if operation.method == "post" else (GenerationMode.POSITIVE,)
            cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

            @seed(SEED)
            @hypothesis_settings(
                max_examples=CASES,
                deadline=None,
                database=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            )
            @given(case=cases, known=st.booleans())
            def attempt(case: Case, known: bool) -> None:
                if known and case.path_parameters:
                    case.path_parameters |= {"model_name": "credit"}
                    if "model_version" in case.path_parameters:
                        case.path_parameters["model_version"] = "3"
                asked = requests.Request(**case.as_transport_kwargs(base_url=address)).prepare()
                answer = client.request(
                    str(asked.method), str(asked.url), headers=dict(asked.headers), content=asked.body or b""
                )
                statuses[answer.status_code] += 1
                said = f"{case.as_curl_command()} -> {answer.status_code} {answer.text[:300]}"
                assert answer.status_code < 500, said
                if answer.status_code == 400 and "infer" in str(asked.url) and "json" in answer.headers["content-type"]:
                    assert answer.json()["error"], said

            attempt()
    total = sum(statuses.values())
    with capsys.disabled():
        print(f"\n  seed {SEED}: {total} requests, answers {dict(sorted(statuses.items()))}", end=" ")  # noqa: T201
    assert statuses[200] > 0
    assert replica.process.poll() is None
