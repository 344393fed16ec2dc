"""The requests of MLflow's protocol that are measured, as bytes for one server."""

import json
from collections.abc import Sequence
from typing import Any

from tracked.made import MadeRun, Query
from tracked.wire import Address, Connection

API = "/api/2.0/mlflow"
KEYS, STEPS = 10, 100
"""A batch of 1000 metrics: ten curves of a hundred points."""
_NUMBER = "@@@@@"
_RUN = "r" * 32


class Batch:
    """log-batch of 1000 metrics: made once, then only run and step are put in. Steps never repeat."""

    def __init__(self, address: Address) -> None:
        points = [
            f'{{"key":"curve{key}","value":{(step * 7 + key) % 100 / 100},"timestamp":1750000000000,'
            f'"step":{_NUMBER}{step:02d}}}'
            for step in range(STEPS)
            for key in range(KEYS)
        ]
        body = f'{{"run_id":"{_RUN}","metrics":[{",".join(points)}]}}'
        self._template = address.request("POST", f"{API}/runs/log-batch", body.encode())

    def of(self, run: str, number: int) -> bytes:
        """number: below 90,000, another for each batch of the run."""
        filled = self._template.replace(_NUMBER.encode(), b"%05d" % (10_000 + number))
        return filled.replace(_RUN.encode(), run.encode(), 1)


class Requests:
    def __init__(self, address: Address) -> None:
        self.address = address

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        return self.address.request("POST", API + path, json.dumps(body).encode())

    def create_run(self, experiment: str, made: MadeRun) -> bytes:
        tags = [{"key": "mlflow.user", "value": "bench"}]
        body = {"experiment_id": experiment, "run_name": made.name, "start_time": made.started, "tags": tags}
        return self.post("/runs/create", body)

    def log_run(self, run: str, made: MadeRun) -> bytes:
        metrics = [
            {"key": key, "value": value, "timestamp": made.started, "step": 0} for key, value in made.metrics.items()
        ]
        return self.post(
            "/runs/log-batch",
            {"run_id": run, "params": _pairs(made.params), "tags": _pairs(made.tags), "metrics": metrics},
        )

    def end_run(self, run: str, made: MadeRun) -> bytes:
        return self.post("/runs/update", {"run_id": run, "status": "FINISHED", "end_time": made.ended})

    def log_metric(self, run: str, number: int) -> bytes:
        point = {"key": f"curve{number % KEYS}", "value": number % 100 / 100, "timestamp": 1_750_000_000_000}
        return self.post("/runs/log-metric", {"run_id": run, **point, "step": number})

    def get_run(self, run: str) -> bytes:
        return self.address.request("GET", f"{API}/runs/get?run_id={run}")

    def compare(self, path: str, runs: Sequence[str]) -> bytes:
        return self.address.request("GET", path + "?" + "&".join(f"run={run}" for run in runs))

    def search(self, experiment: str, query: Query, *, limit: int = 100) -> bytes:
        body = {"experiment_ids": [experiment], "filter": query.filter, "order_by": [query.order]}
        return self.post("/runs/search", {**body, "max_results": limit})

    def newest(self, experiment: str, limit: int, page: str | None = None) -> bytes:
        body = {"experiment_ids": [experiment], "max_results": limit}
        return self.post("/runs/search", {**body, "page_token": page} if page else body)


def create_experiment(connection: Connection, name: str) -> str:
    body = json.dumps({"name": name}).encode()
    told = connection.ask(connection.address.request("POST", f"{API}/experiments/create", body))
    return str(json.loads(told)["experiment_id"])


def run_id(body: bytes) -> str:
    """From the answer of runs/create."""
    return str(json.loads(body)["run"]["info"]["run_id"])


def names(body: bytes) -> list[str]:
    """From the answer of runs/search."""
    return [one["info"]["run_name"] for one in json.loads(body).get("runs", [])]


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]
