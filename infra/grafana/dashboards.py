"""Writes Grafana's dashboards (`python infra/grafana/dashboards.py`), in which a panel is a title, a unit, queries."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
WIDTH, HEIGHT = 12, 8
_SOURCE = {"type": "prometheus", "uid": "prometheus"}


@dataclass(frozen=True)
class Query:
    promql: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """unit: as Grafana names it. kind: timeseries or stat."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"


@dataclass(frozen=True)
class Dashboard:
    uid: str
    title: str
    panels: tuple[Panel, ...]


def one(title: str, unit: str, promql: str, legend: str, *, kind: str = "timeseries") -> Panel:
    return Panel(title, unit, (Query(promql, legend),), kind)


FLOCK = Dashboard(
    "murmur-flock",
    "Flock",
    (
        one("Replicas that answer", "none", 'sum by (service) (up{job="services"})', "{{service}}", kind="stat"),
        one(
            "Alerts that fire", "none", 'sum by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}", kind="stat"
        ),
        one("Events not handled yet", "short", "sum by (service) (murmur_consumer_lag)", "{{service}}"),
        one("Committed, not published yet", "short", "max by (service) (murmur_outbox_depth)", "{{service}}"),
        one("Age of the oldest of them", "s", "max by (service) (murmur_outbox_age_seconds)", "{{service}}"),
        Panel(
            "Parked and dead letters",
            "short",
            (
                Query("max by (service) (murmur_parked)", "{{service}}: parked"),
                Query("max by (service) (murmur_parked_overdue)", "{{service}}: past their deadline"),
                Query("max by (service) (murmur_dead_letters)", "{{service}}: dead letters"),
            ),
        ),
        one("Resident memory", "bytes", "sum by (replica) (process_resident_memory_bytes)", "{{replica}}"),
        one("Processor time a second", "s", "sum by (replica) (rate(process_cpu_seconds_total[1m]))", "{{replica}}"),
    ),
)

EVENTS = Dashboard(
    "murmur-events",
    "Workflows and events",
    (
        one(
            "Events published a second", "ops", "sum by (topic) (rate(murmur_events_published_total[1m]))", "{{topic}}"
        ),
        one(
            "Events handled a second, by outcome",
            "ops",
            "sum by (outcome) (rate(murmur_events_handled_total[1m]))",
            "{{outcome}}",
        ),
        one(
            "Time to handle one event, p99",
            "s",
            "histogram_quantile(0.99, sum by (service, le) (rate(murmur_handler_seconds_bucket[5m])))",
            "{{service}}",
        ),
        one(
            "Retries and dead letters among the events handled",
            "percentunit",
            'sum by (service) (rate(murmur_events_handled_total{outcome=~"retry|dead"}[5m]))'
            " / sum by (service) (rate(murmur_events_handled_total[5m]))",
            "{{service}}",
        ),
        one("Jobs under way", "short", 'max by (service) (murmur_jobs{state="running"})', "{{service}}"),
        one("Jobs that wait", "short", 'max by (service) (murmur_jobs{state="queued"})', "{{service}}"),
        one(
            "Time of one attempt of a job, median",
            "s",
            "histogram_quantile(0.5, sum by (kind, le) (rate(murmur_job_seconds_bucket[15m])))",
            "{{kind}}",
        ),
        one(
            "REST calls, p99",
            "s",
            "histogram_quantile(0.99, sum by (service, le) (rate(murmur_http_request_seconds_bucket[5m])))",
            "{{service}}",
        ),
    ),
)

_ANSWERING = "sum by (deployment, le) (rate(murmur_serving_request_seconds_bucket[5m]))"
SERVING = Dashboard(
    "murmur-serving",
    "Model serving",
    (
        one(
            "Requests a second",
            "reqps",
            "sum by (deployment, version) (rate(murmur_serving_requests_total[1m]))",
            "{{deployment}} v{{version}}",
        ),
        one(
            "Rows predicted a second",
            "ops",
            "sum by (deployment, version) (rate(murmur_serving_predictions_total[1m]))",
            "{{deployment}} v{{version}}",
        ),
        Panel(
            "Time to answer, p50 and p99",
            "s",
            (
                Query(f"histogram_quantile(0.5, {_ANSWERING})", "{{deployment}} p50"),
                Query(f"histogram_quantile(0.99, {_ANSWERING})", "{{deployment}} p99"),
            ),
        ),
        one(
            "Requests answered with an error",
            "percentunit",
            "sum by (deployment) (rate(murmur_serving_errors_total[5m]))"
            " / sum by (deployment) (rate(murmur_serving_requests_total[5m]))",
            "{{deployment}}",
        ),
        one(
            "Predictions that are not in Kafka yet",
            "short",
            "sum by (deployment) (murmur_serving_log_backlog_rows)",
            "{{deployment}}",
        ),
        one(
            "Predictions too late for their window",
            "ops",
            "sum by (deployment) (rate(murmur_monitor_rows_too_late_total[5m]))",
            "{{deployment}}",
        ),
    ),
)

ALL = (FLOCK, EVENTS, SERVING)


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    """Two panels a row."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["murmuration"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "templating": {"list": []},
        "panels": [_panel(number, panel) for number, panel in enumerate(dashboard.panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, 2)
    return {
        "id": number + 1,
        "type": panel.kind,
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"tooltip": {"mode": "multi", "sort": "desc"}} if panel.kind == "timeseries" else {},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query.promql, "legendFormat": query.legend, "datasource": _SOURCE}
            for index, query in enumerate(panel.queries)
        ],
    }


def files() -> dict[Path, str]:
    return {
        FOLDER / f"{dashboard.uid.removeprefix('murmur-')}.json": json.dumps(rendered(dashboard), indent=1) + "\n"
        for dashboard in ALL
    }


def main() -> int:
    """With --check: exit 1 where a file is not what this would write."""
    if "--check" in sys.argv:
        return int(any(not path.exists() or path.read_text() != text for path, text in files().items()))
    for path, text in files().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
