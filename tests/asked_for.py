"""What alerts and dashboards ask Prometheus for: their expressions, and the metrics that these name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

INFRA = Path(__file__).parents[1] / "infra"

_STRINGS = re.compile(r'"(?:\\.|[^"\\])*"')
_MATCHERS = re.compile(r"\{[^}]*\}")
_RANGES = re.compile(r"\[[^\]]*\]")
_GROUPINGS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAMES = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*(?!\s*\(|[a-zA-Z0-9_:])")
_WORDS = frozenset(
    {"and", "or", "unless", "bool", "offset", "inf", "nan", "by", "without", "on", "ignoring", "sum", "max", "min"}
    | {"count", "avg", "group_left", "group_right"}
)


def metrics_of(expression: str) -> set[str]:
    for noise in (_STRINGS, _MATCHERS, _RANGES, _GROUPINGS):
        expression = noise.sub(" ", expression)
    return {name for name in _NAMES.findall(expression) if name.lower() not in _WORDS}


def expressions() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load((INFRA / "prometheus" / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for path in sorted((INFRA / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]
