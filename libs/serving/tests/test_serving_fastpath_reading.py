"""The shorter way reads what MLServer's own way reads, to the same rows, and accepts nothing that that one refuses."""

import numpy as np
import orjson
import pytest
from mlserver.errors import MLServerError
from mlserver.types import InferenceRequest
from pydantic import ValidationError
from request_fuzz import requests

from murmur_events.values import ColumnSpec, Signature
from murmur_serving.fastpath.answers import new_id
from murmur_serving.fastpath.requests import PlainReader
from murmur_serving.tensors import RequestReader

SEED, CASES = 20261129, 30_000


def outcome(body: bytes, signature: Signature, *, missing: bool) -> tuple[str | None, np.ndarray] | None:
    """What MLServer's way makes of it."""
    try:
        request = InferenceRequest.model_validate(orjson.loads(body))
        return request.id, RequestReader(signature, missing=missing).read(request)
    except (orjson.JSONDecodeError, ValidationError, MLServerError):
        return None


@pytest.mark.parametrize("missing", [True, False])
def test_whatever_is_accepted_is_accepted_by_mlservers_way_and_means_the_same(signature, missing: bool) -> None:
    reader = PlainReader(signature, missing=missing)
    taken = valid = 0
    for body in requests(SEED, CASES):
        quick, slow = reader.read(body), outcome(body, signature, missing=missing)
        valid += slow is not None
        if quick is None:
            continue
        taken += 1
        assert slow is not None, body
        assert quick.request_id == slow[0], body
        assert np.array_equal(np.array(quick.rows, dtype=np.float64), slow[1], equal_nan=True), body
    print(f"seed {SEED}: {CASES} requests, {valid} valid, {taken} taken the shorter way")  # noqa: T201
    assert taken > 0.8 * valid > 1000


def test_one_column_is_a_matrix_of_one(signature) -> None:
    reader = PlainReader(Signature(inputs=(ColumnSpec(name="limit"),)), missing=True)
    body = orjson.dumps({"inputs": [{"name": "limit", "shape": [2, 1], "datatype": "FP32", "data": [[1], [2]]}]})
    rows = reader.read(body)
    assert rows is not None
    assert [list(row) for row in rows.rows] == [[1.0], [2.0]]


def test_new_ids_are_random_uuids() -> None:
    from uuid import UUID

    ids = {new_id() for _ in range(500)}
    assert len(ids) == 500
    assert all(
        (UUID(one).version, UUID(one).variant, str(UUID(one))) == (4, "specified in RFC 4122", one) for one in ids
    )
