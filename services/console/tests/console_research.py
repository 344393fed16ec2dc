"""A made-up tracking for the pages of research: a hundred and twenty runs, found by the real search language."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from murmur_search import RUNS, FilterRefused, parse_filter, parse_order
from murmur_search.evaluate import Entity, evaluate, ordered

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
RUN_COUNT = 120
LIVE = "r-000"
"""The run that is still at it; the others have ended."""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cf00000301010018dd8db00000000049454e44ae426082"
)
FILES: dict[str, bytes] = {
    "model/MLmodel": b"flavors:\n  xgboost: {}\n",
    "scores.csv": b"month,auc\n2005-10,0.78\n2005-11,0.79\n",
    "summary.json": b'{"rows": 4500, "best": {"round": 17}}',
    "importance.png": PNG,
    "page.html": b"<script>alert(1)</script>",
}


def run_id(number: int) -> str:
    return f"r-{number:03d}"


def found(number: int) -> dict[str, Any]:
    """As `/v1/runs/search` gives it. Every third failed; the depth makes it better."""
    depth = 3 + number % 6
    live = run_id(number) == LIVE
    started = NOON - timedelta(minutes=number)
    return {
        "run_id": run_id(number),
        "experiment": "7",
        "name": f"sweep {number:03d}",
        "user": "ada" if number % 2 else "grace",
        "status": "RUNNING" if live else "FAILED" if number % 3 == 2 else "FINISHED",
        "workflow": None,
        "started_at": started.isoformat(),
        "ended_at": None if live else (started + timedelta(seconds=42)).isoformat(),
        "params": {"max_depth": str(depth), "eta": f"0.{1 + number % 4}", "objective": "binary:logistic"},
        "metrics": {"auc": round(0.7 + depth / 100 + number / 10_000, 5), "val/loss": round(0.5 - depth / 50, 4)},
        "tags": {"mlflow.runName": f"sweep {number:03d}", "team": "credit"},
    }


def detail(number: int) -> dict[str, Any]:
    one = found(number)
    words = {"RUNNING": "running", "FAILED": "failed", "FINISHED": "completed"}
    return {
        **{name: one[name] for name in ("run_id", "experiment", "name", "user", "workflow", "metrics", "tags")},
        "workspace": "default",
        "revision": None,
        "trigger": None,
        "status": words[one["status"]],
        "attempt": 1,
        "progress": 0.4 if one["status"] == "RUNNING" else None,
        "started_at": one["started_at"],
        "ended_at": one["ended_at"],
        "duration_seconds": 42.0 if one["ended_at"] else None,
        "failure": {"cause": "code_raised", "message": "no rows"} if one["status"] == "FAILED" else None,
        "as_of": None,
        "parameters": one["params"],
        "provenance": {
            "code": {"uri": "file:///code", "sha256": "c0" * 32, "size": 1200},
            "environment": {"uri": "file:///env", "sha256": "e0" * 32, "size": 900},
            "seed": 17,
            "revision": 3,
        },
        "dataset": None,
        "model": None,
        "log": None,
        "deleted": False,
        "datasets": [{"name": "loans", "digest": "d1f2a3", "source_type": "local", "source": "loans.csv"}],
    }


class FakeTracking:
    """`rounds`: how far the metrics of every run have been logged. `asked`, `compared`: the searches and comparisons,
    as they came."""

    def __init__(self) -> None:
        self.rounds = 20
        self.asked: list[dict[str, list[str]]] = []
        self.compared: list[dict[str, list[str]]] = []

    def __call__(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any] | None:
        match path.strip("/").split("/"):
            case ["tracking", "v1", "experiments"]:
                return 200, {"items": [_experiment("7", "workflows/depths", RUN_COUNT), _experiment("0", "Default", 0)]}
            case ["tracking", "v1", "experiments", "7", "keys"]:
                names = {"params": ["eta", "max_depth", "objective"], "metrics": ["auc", "val/loss"]}
                return 200, {**names, "tags": ["mlflow.runName", "team"]}
            case ["tracking", "v1", "experiments", "0", "keys"]:
                return 200, {"params": [], "metrics": [], "tags": []}
            case ["tracking", "v1", "experiments", other, "keys"]:
                return 404, {"title": "Not Found", "status": 404, "detail": f"No Experiment with id={other} exists"}
            case ["tracking", "v1", "runs", "search"]:
                self.asked.append(query)
                return self._search(query)
            case ["tracking", "v1", "runs", run, "artifacts"] if _number(run) is not None:
                return 200, {"root": "mlflow-artifacts:/7", "items": _folder(query.get("path", [""])[0])}
            case ["tracking", "v1", "runs", run]:
                number = _number(run)
                if number is None:
                    return 404, {"title": "Missing", "status": 404, "detail": f"no run {run!r}"}
                return 200, detail(number)
            case ["tracking", "v1", "compare"]:
                self.compared.append(query)
                histories = [self._history(query["run"], one) for one in query.get("histories", [])]
                return 200, {**_compared(query["run"]), "histories": histories}
            case ["ajax-api", *_]:
                return 200, {"metrics": self._samples(query["run_ids"], query["metric_key"][0])}
            case ["get-artifact"]:
                content = FILES.get(query["path"][0])
                missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"no {query['path'][0]}"}
                return (404, missing) if content is None else (200, content)
        return None

    def _search(self, query: dict[str, list[str]]) -> tuple[int, Any]:
        if query["experiment"] == ["0"]:
            return 200, {"items": [], "next": None}
        try:
            wanted = parse_filter(query.get("filter", [""])[0], RUNS)
            orders = RUNS.complete(parse_order(query.get("order_by", []), RUNS))
        except FilterRefused as error:
            place = {"text": error.text, "position": error.position, "end": error.end}
            return 400, {"title": "FilterRefused", "status": 400, "detail": error.reason, **place}
        runs = [one for one in map(found, range(RUN_COUNT)) if evaluate(wanted, _entity(one))]
        runs = list(ordered(runs, orders, RUNS, _entity))
        first, limit = int(query.get("token", ["0"])[0]), int(query["limit"][0])
        page = runs[first : first + limit]
        return 200, {"items": page, "next": str(first + limit) if first + limit < len(runs) else None}

    def _history(self, runs: list[str], metric: str) -> dict[str, Any]:
        """As `/v1/compare` gives it: what is no finite number is null."""
        curves = []
        for run in runs:
            points = self._samples([run], metric)
            values = [None if one["value"] == "NaN" else one["value"] for one in points]
            steps = [one["step"] for one in points]
            curves.append({"step": steps, "time": steps, "value": values})
        return {"metric": metric, "curves": curves}

    def _samples(self, runs: list[str], metric: str) -> list[dict[str, Any]]:
        def value(number: int, step: int) -> float | str:
            if metric == "val/loss":
                return "NaN" if step == 5 else round(math.exp(-step / (5 + number % 6)), 4)
            return round(0.7 + (number % 6) / 100 + 0.1 * (1 - math.exp(-step / 4)), 4)

        return [
            {"run_id": run, "key": metric, "step": step, "timestamp": step, "value": value(_number(run) or 0, step)}
            for run in runs
            for step in range(self.rounds)
        ]


def _number(run: str) -> int | None:
    number = int(run[2:]) if run.startswith("r-") and run[2:].isdecimal() else RUN_COUNT
    return number if number < RUN_COUNT else None


def _entity(run: dict[str, Any]) -> Entity:
    started = datetime.fromisoformat(run["started_at"])
    attributes = {
        "run_id": run["run_id"],
        "run_name": run["name"],
        "user_id": run["user"],
        "status": run["status"],
        "start_time": round(started.timestamp() * 1000),
        "end_time": None,
        "artifact_uri": "",
    }
    return Entity(attributes=attributes, metrics=run["metrics"], params=run["params"], tags=run["tags"])


def _experiment(number: str, name: str, runs: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": name,
        "deleted": False,
        "tags": {"mlflow.note.content": "how deep trees should be"} if runs else {},
        "artifact_location": "",
        "created_at": NOON.isoformat(),
        "updated_at": NOON.isoformat(),
        "runs": runs,
        "last_run_at": NOON.isoformat() if runs else None,
    }


def _folder(path: str) -> list[dict[str, Any]]:
    within = f"{path}/" if path else ""
    items: dict[str, dict[str, Any]] = {}
    for name, content in FILES.items():
        if name.startswith(within):
            first, more, _ = name.removeprefix(within).partition("/")
            size = {} if more else {"size": len(content), "sha256": "ab" * 32}
            items[first] = {"path": within + first, "is_folder": bool(more), **size}
    return [items[name] for name in sorted(items)]


def _compared(runs: list[str]) -> dict[str, Any]:
    details = [detail(_number(run) or 0) for run in runs]

    def rows(of: str) -> list[dict[str, Any]]:
        names = sorted({name for one in details for name in one[of]})
        values = {name: [one[of].get(name) for one in details] for name in names}
        found = [{"name": name, "values": each, "differs": len(set(each)) > 1} for name, each in values.items()]
        return sorted(found, key=lambda row: (not row["differs"], row["name"]))

    circumstances = [
        {"name": "seed", "values": list(range(len(runs))), "differs": len(runs) > 1},
        {"name": "code", "values": ["c0" * 32] * len(runs), "differs": False},
    ]
    return {
        "runs": details,
        "parameters": rows("parameters"),
        "metrics": rows("metrics"),
        "circumstances": circumstances,
    }
