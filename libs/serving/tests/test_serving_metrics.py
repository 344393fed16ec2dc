"""What a replica counts of its requests."""

from uuid import uuid4

from prometheus_client import REGISTRY

from murmur_serving.metrics import Counts


def of(deployment: str, name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"deployment": deployment, "version": "1"} | labels)


def test_a_request_is_one_output_however_many_rows_it_has() -> None:
    """Canaries are judged by it: requests are shared at random, rows alike come together."""
    deployment = f"credit-{uuid4()}"
    counts = Counts(deployment, 1)
    counts.answered([0.001, 0.001, 0.001], [[0.15], [0.95] * 5000, []])
    assert of(deployment, "murmur_serving_output_bucket", le="0.2") == 1
    assert of(deployment, "murmur_serving_output_bucket", le="+Inf") == 2
    assert of(deployment, "murmur_serving_predictions_total") == 5001
    assert of(deployment, "murmur_serving_requests_total", status="200") == 3


def test_each_row_of_a_request_may_be_the_one() -> None:
    deployment = f"credit-{uuid4()}"
    counts = Counts(deployment, 1)
    for _ in range(200):
        counts.answered([0.001], [[0.15, 0.95]])
    low = of(deployment, "murmur_serving_output_bucket", le="0.2")
    assert low is not None
    assert 60 < low < 140
