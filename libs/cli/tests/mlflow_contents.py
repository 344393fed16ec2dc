"""What a server of the tests holds, and how all of it looks from outside."""

import hashlib
from typing import Any

from mlflow_worlds import A, Json, P, World

OWN = "murmur.import"


async def filled(there: World) -> Json:
    """A little of everything. Ids by short names."""
    churn = (await there.post("/experiments/create", name="churn", tags=[{"key": "team", "value": "risk"}]))[
        "experiment_id"
    ]
    old = (await there.post("/experiments/create", name="old"))["experiment_id"]
    ids = {"churn": churn, "old": old}
    ids["parent"] = await _run(there, churn, "parent", start=1000)
    ids["child"] = await _run(
        there, churn, "child", start=2000, tags=[{"key": "mlflow.parentRunId", "value": ids["parent"]}]
    )
    ids["open"] = await _run(there, churn, "open", start=3000)
    ids["gone"] = await _run(there, churn, "gone", start=4000)
    ids["buried"] = await _run(there, old, "buried", start=5000)
    model = (
        await there.post(
            "/logged-models",
            experiment_id=churn,
            name="booster",
            model_type="xgboost",
            source_run_id=ids["parent"],
            params=[{"key": "eta", "value": "0.1"}],
            tags=[{"key": "stage", "value": "try"}],
        )
    )["model"]["info"]
    ids["model"] = model["model_id"]
    await there.upload(model["artifact_uri"], "MLmodel", b"flavors: {}\n")
    await there.call("PATCH", f"/api/2.0/mlflow/logged-models/{ids['model']}", {"status": "LOGGED_MODEL_READY"})
    await there.post(
        "/runs/log-batch",
        run_id=ids["parent"],
        params=[{"key": "eta", "value": "0.1"}, {"key": "note", "value": ""}],
        metrics=[{"key": "loss", "value": value, "timestamp": 10 + at, "step": at} for at, value in enumerate(ODD)]
        + [{"key": "loss", "value": 0.25, "timestamp": 10, "step": 0}],
    )
    await there.post(
        "/runs/log-metric",
        run_id=ids["parent"],
        key="auc",
        value=0.75,
        timestamp=20,
        model_id=ids["model"],
        dataset_name="rows",
        dataset_digest="d1",
    )
    dataset = {"name": "rows", "digest": "d1", "source_type": "local", "source": "/x", "schema": "{}", "profile": "{}"}
    await there.post(
        "/runs/log-inputs",
        run_id=ids["parent"],
        datasets=[{"dataset": dataset, "tags": [{"key": "mlflow.data.context", "value": "train"}]}],
        models=[{"model_id": ids["model"]}],
    )
    await there.post("/runs/outputs", run_id=ids["parent"], models=[{"model_id": ids["model"], "step": 3}])
    root = (await there.get("/runs/get", run_id=ids["parent"]))["run"]["info"]["artifact_uri"]
    for path, content in FILES.items():
        await there.upload(root, path, content)
    await there.post("/runs/update", run_id=ids["parent"], status="FINISHED", end_time=9000)
    await there.post("/runs/update", run_id=ids["child"], status="KILLED", end_time=9100)
    await there.post("/runs/delete", run_id=ids["gone"])
    await there.post("/experiments/delete", experiment_id=old)
    await _registered_models(there, ids, root)
    return ids


async def _registered_models(there: World, ids: Json, root: str) -> None:
    """Two of them; number 2 of the first was deleted, and the second holds a copy of the first's."""
    await there.post(
        "/registered-models/create", name="churn model", description="who leaves", tags=[{"key": "a", "value": "b"}]
    )
    for source in (f"{root}/a", "runs:/x/y", f"models:/{ids['model']}"):
        await there.post(
            "/model-versions/create",
            name="churn model",
            source=source,
            run_id=ids["parent"],
            description="one",
            tags=[{"key": "checked", "value": "yes"}],
        )
    await there.call("DELETE", f"{P}/model-versions/delete", {"name": "churn model", "version": "2"})
    await there.post("/registered-models/create", name="a copy")
    await there.post("/model-versions/create", name="a copy", source="models:/churn model/1")
    await there.post("/model-versions/transition-stage", name="churn model", version="3", stage="Production")
    for alias, version in (("champion", "3"), ("old", "1")):
        await there.post("/registered-models/alias", name="churn model", alias=alias, version=version)


ODD: tuple[Any, ...] = (0.5, "NaN", "Infinity", "-Infinity", 0.125)
FILES = {"plots/roc curve.png": b"\x89PNG" * 5000, "a/b/c.txt": b"deep", "empty": b""}


async def _run(there: World, experiment: str, name: str, *, start: int, **more: Any) -> str:
    body = {"experiment_id": experiment, "run_name": name, "start_time": start, "user_id": "ada", **more}
    run_id: str = (await there.post("/runs/create", **body))["run"]["info"]["run_id"]
    return run_id


async def seen(world: World, *, files: bool = True) -> Json:
    """All of it as its clients see it: without ids that a server chooses and times at which it was told.

    files: those of versions, too, which must be there
    """
    experiments = (await world.post("/experiments/search", max_results=1000, view_type="ALL"))["experiments"]
    names = {one["experiment_id"]: one["name"] for one in experiments}
    asked = {"experiment_ids": list(names), "max_results": 1000}
    runs = (await world.post("/runs/search", **asked, run_view_type="ALL")).get("runs", [])
    models = (await world.post("/logged-models/search", **asked | {"max_results": 50})).get("models", [])
    return {
        "experiments": {one["name"]: (one["lifecycle_stage"], _texts(one.get("tags"))) for one in experiments},
        "runs": {run["info"]["run_id"]: await _seen_run(world, run, names) for run in runs},
        "logged models": {one["info"]["model_id"]: await _seen_model(world, one, names) for one in models},
        "registered models": await _registered(world, files=files),
    }


async def _seen_run(world: World, run: Json, names: Json) -> Json:
    info = {key: value for key, value in run["info"].items() if key not in ("experiment_id", "artifact_uri")}
    run_id = info["run_id"]
    metrics = sorted(one["key"] for one in run["data"].get("metrics", []))
    points = await world.call("GET", f"/tracking/v1/runs/{run_id}/metrics", limit=5000)
    return {
        "info": info,
        "experiment": names[run["info"]["experiment_id"]],
        "params": _texts(run["data"].get("params")),
        "tags": _texts(run["data"].get("tags")),
        "latest": sorted(map(str, run["data"].get("metrics", []))),
        "histories": {
            key: (await world.get("/metrics/get-history", run_id=run_id, metric_key=key))["metrics"] for key in metrics
        },
        "points": len(points["items"]),
        "inputs": run["inputs"],
        "outputs": run["outputs"],
        "files": await _files(world, run["info"]["artifact_uri"]),
        "marks": _marks(run["data"].get("tags")),
    }


async def _seen_model(world: World, model: Json, names: Json) -> Json:
    hidden = ("experiment_id", "artifact_uri", "tags", "registrations")
    return {
        "info": {key: value for key, value in model["info"].items() if key not in hidden},
        "experiment": names[model["info"]["experiment_id"]],
        "tags": _texts(model["info"].get("tags")),
        "data": {kind: sorted(map(str, items)) for kind, items in model["data"].items()},
        "files": await _files(world, model["info"]["artifact_uri"]),
        "marks": _marks(model["info"].get("tags")),
    }


async def _files(world: World, uri: str, folder: str = "") -> dict[str, str]:
    top = f"{uri.removeprefix('mlflow-artifacts:/')}/{folder}".rstrip("/")
    found: dict[str, str] = {}
    for one in (await world.call("GET", A, path=top)).get("files", []):
        path = f"{folder}/{one['path']}".lstrip("/")
        if one.get("is_dir"):
            found |= await _files(world, uri, path)
        else:
            answer = await world.http.get(f"{A}/{top}/{one['path']}", headers={"X-Murmur-Workspace": world.workspace})
            found[path] = hashlib.sha256(answer.content).hexdigest()
    return found


async def _registered(world: World, *, files: bool) -> Json:
    found = (await world.get("/registered-models/search", max_results=100)).get("registered_models", [])
    versions = (await world.get("/model-versions/search", max_results=1000)).get("model_versions", [])
    times = ("creation_timestamp", "last_updated_timestamp", "latest_versions")
    return {
        "models": {
            one["name"]: {**{k: v for k, v in one.items() if k not in times}, "tags": _texts(one.get("tags"))}
            for one in found
        },
        "versions": {
            f"{one['name']}/{one['version']}": {
                **{k: v for k, v in one.items() if k not in (*times, "source")},
                "tags": _texts(one.get("tags")),
            }
            for one in versions
        },
        "files": {f"{one['name']}/{one['version']}": await _files_of(world, one) for one in versions if files},
    }


async def _files_of(world: World, version: Json) -> dict[str, str]:
    """Those at its source: it leads to files that are there."""
    uri = (await world.get("/model-versions/get-download-uri", name=version["name"], version=version["version"]))[
        "artifact_uri"
    ]
    if uri.startswith("models:/"):
        uri = (await world.get(f"/logged-models/{uri.rpartition('/')[2]}"))["model"]["info"]["artifact_uri"]
    found = await _files(world, uri)
    assert found, f"nothing at {uri}"
    return found


def _texts(pairs: list[Json] | None) -> dict[str, str]:
    return {one["key"]: one["value"] for one in pairs or [] if not one["key"].startswith(OWN)}


def _marks(pairs: list[Json] | None) -> dict[str, str]:
    """What tells of an import."""
    return {one["key"]: one["value"] for one in pairs or [] if one["key"].startswith(OWN)}


def without_marks(contents: Json) -> Json:
    for kind in ("runs", "logged models"):
        for one in contents[kind].values():
            one.pop("marks")
    return contents
