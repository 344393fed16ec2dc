"""Alerts and dashboards ask only for metrics that the services and model servers export."""

import importlib
import subprocess
import sys

import pytest
from asked_for import INFRA, expressions, metrics_of
from prometheus_client import REGISTRY

EXPORTERS = (
    "murmur_kernel.telemetry.metrics",
    "murmur_serving.metrics",
    "murmur_console.health",
    "murmur_monitor.intake",
)
MADE_BY_PROMETHEUS = {"up", "ALERTS"}


def exported() -> set[str]:
    """Every series name in the text of /metrics, by the registry that makes it."""
    for module in EXPORTERS:
        importlib.import_module(module)
    names = set()
    for family in REGISTRY.collect():
        suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        names |= {family.name + suffix for suffix in suffixes}
    return names


@pytest.mark.parametrize(("where", "expression"), [pytest.param(*asked, id=asked[0]) for asked in expressions()])
def test_every_metric_that_is_asked_for_is_exported(where: str, expression: str) -> None:
    asked = metrics_of(expression)

    assert asked
    assert asked - MADE_BY_PROMETHEUS <= exported()


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ('sum by (service) (rate(a_total{outcome=~"retry|dead"}[5m])) / sum(b_total) > 0.05', {"a_total", "b_total"}),
        ("histogram_quantile(0.99, sum by (deployment, le) (rate(c_bucket[5m])))", {"c_bucket"}),
        ("a > 1000 and on (service) deriv(b[5m]) > 0", {"a", "b"}),
    ],
)
def test_the_names_in_an_expression_are_found(expression: str, metrics: set[str]) -> None:
    assert metrics_of(expression) == metrics


def test_a_metric_that_nobody_exports_would_be_found() -> None:
    assert not metrics_of("max(murmur_dead_lettres) > 0") <= exported()


def test_the_dashboards_are_those_that_the_script_writes() -> None:
    done = subprocess.run([sys.executable, str(INFRA / "grafana" / "dashboards.py"), "--check"], check=False)

    assert done.returncode == 0, "run: python infra/grafana/dashboards.py"
