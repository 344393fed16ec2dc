"""Comparisons over REST: runs of clients and of the trainer, their curves, environments and code."""

import io
import json
import zipfile
from typing import Any

import pytest
from client_calls import Running
from tracking_facts import provenance, started

from murmur_kernel.testing import eventually
from murmur_tracking.domain.code import LONGEST_DIFFERENCE, code_difference
from murmur_tracking.domain.environments import environment_difference, read_environment


async def compare(
    running: Running, *run_ids: str, status: int = 200, workspace: str = "", **asked: Any
) -> dict[str, Any]:
    headers = {"X-Murmur-Workspace": workspace} if workspace else {}
    answer = await running.http.get("/v1/compare", params={"run": list(run_ids), **asked}, headers=headers)
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def upload(running: Running, run_id: str, path: str, text: str) -> None:
    address = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/{path}"
    assert (await running.http.put(address, content=text.encode())).status_code == 200


async def trained(running: Running, run_id: str, code: dict[str, str], distributions: dict[str, str]) -> None:
    """A run of the trainer whose code and environment are really there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, text in code.items():
            bundle.writestr(name, text)
    store = running.service.artifacts
    environment = json.dumps({"python": "3.11.7", "distributions": distributions}).encode()
    told = provenance().model_copy(
        update={
            "code": await store.put_bytes(buffer.getvalue(), suffix=".zip"),
            "environment": await store.put_bytes(environment, suffix=".json"),
        }
    )
    await running.says(started(run_id).model_copy(update={"provenance": told}))

    async def known() -> bool:
        return (await running.http.get(f"/v1/runs/{run_id}")).status_code == 200

    await eventually(known)


async def test_a_clients_text_and_the_trainers_number_are_the_same_parameter(running: Running) -> None:
    run_id = await running.client.run()
    await running.client.did("/runs/log-parameter", run_id=run_id, key="max_depth", value="4")
    await running.client.did("/runs/log-parameter", run_id=run_id, key="eta", value="0.2")
    await running.hears_of_a_trained_run("t")
    answer = await compare(running, run_id, "t")
    rows = [(row["name"], row["differs"]) for row in answer["parameters"]]
    assert rows == [("eta", True), ("max_depth", False)]


async def test_a_hundred_runs_are_compared_and_no_more(running: Running) -> None:
    run_ids = [await running.client.run() for _ in range(100)]
    assert [run["run_id"] for run in (await compare(running, *run_ids))["runs"]] == run_ids
    await compare(running, *run_ids, "one-more", status=422)
    assert "'nobody'" in (await compare(running, run_ids[0], "nobody", status=404))["detail"]


async def test_only_runs_of_one_workspace_are_compared(running: Running) -> None:
    theirs = running.client.in_workspace("team-b")
    ours, one, other = await running.client.run(), await theirs.run(), await theirs.run()
    await running.hears_of_a_trained_run("t")
    compared = await compare(running, one, other, workspace="team-b")
    assert [run["workspace"] for run in compared["runs"]] == ["team-b", "team-b"]
    await compare(running, ours, "t")
    for run_ids, workspace, unknown in (
        ((ours, one), "", one),
        ((one, ours), "team-b", ours),
        ((one, "t"), "team-b", "t"),
        ((one,), "team-a", one),
    ):
        said = (await compare(running, *run_ids, workspace=workspace, status=404))["detail"]
        assert said == f"no run {unknown!r} is known here"
    await compare(running, one, workspace="no.name", status=400)


async def test_runs_of_a_workspace_that_was_dropped_are_not_compared(running: Running) -> None:
    theirs = running.client.in_workspace("team-b")
    gone = await theirs.run()
    await compare(running, gone, workspace="team-b")
    assert (await theirs.ours("DELETE", "/workspaces/team-b"))[0] == 200
    there = await theirs.run()
    await compare(running, there, workspace="team-b")
    await compare(running, there, gone, workspace="team-b", status=404)


async def test_curves_are_sampled_at_the_same_steps(running: Running) -> None:
    one, other = await running.client.run(), await running.client.run()
    for run_id, last in ((one, 100), (other, 50)):
        metrics = [{"key": "loss", "value": 1 / (n + 1), "step": n, "timestamp": n} for n in range(last)]
        await running.client.did("/runs/log-batch", run_id=run_id, metrics=metrics)
    (history,) = (await compare(running, one, other, histories="loss", samples=10))["histories"]
    long, short = history["curves"]
    assert (long["step"][0], long["step"][-1], short["step"][-1]) == (0, 99, 49)
    assert len(long["step"]) < 20
    assert {step for step in long["step"] if step < 50} == set(short["step"])
    assert long["value"][0] == 1
    assert (await compare(running, one, histories="nothing"))["histories"][0]["curves"][0]["step"] == []
    assert (await compare(running, one))["histories"] == []


async def test_of_environments_what_differs_is_told(running: Running) -> None:
    client, silent = await running.client.run(), await running.client.run()
    await upload(running, client, "model/requirements.txt", "XGBoost==3.1.0\nnumpy==2.4.6\n")
    await trained(running, "t", {"train.py": "one\n"}, {"xgboost": "3.0.0", "numpy": "2.4.6"})
    answer = await compare(running, client, silent, "t", files=True)
    environment = answer["environment"]
    assert environment["known"] == [True, False, True]
    assert environment["same"] == 1
    assert [(row["name"], row["values"]) for row in environment["rows"]] == [
        ("python", [None, None, "3.11.7"]),
        ("xgboost", ["3.1.0", None, "3.0.0"]),
    ]
    assert (await compare(running, client, "t"))["environment"] is None


async def test_of_code_the_lines_that_differ_are_told(running: Running) -> None:
    await trained(running, "t1", {"train.py": "a\nb\n", "data.py": "same\n"}, {})
    await trained(running, "t2", {"train.py": "a\nc\n", "data.py": "same\n"}, {})
    code = (await compare(running, "t1", "t2", files=True))["code"]
    assert code["known"] == [True, True]
    (change,) = code["differences"]
    assert (change["run"], change["against"], change["file"]) == ("t2", "t1", "train.py")
    assert change["lines"][-2:] == ["-b", "+c"]


async def test_an_uncommitted_change_that_a_client_keeps_is_part_of_its_code(running: Running) -> None:
    one, other = await running.client.run(), await running.client.run()
    await upload(running, one, "uncommitted.diff", "+eta = 1\n")
    await upload(running, other, "uncommitted.diff", "+eta = 2\n")
    (change,) = (await compare(running, one, other, files=True))["code"]["differences"]
    assert change["lines"][-2:] == ["-+eta = 1", "++eta = 2"]


async def test_a_file_that_cannot_be_read_is_named(running: Running) -> None:
    await running.hears_of_a_trained_run("t")  # whose artifacts nobody has stored
    answer = await compare(running, "t", files=True)
    assert answer["environment"]["known"] == [False]
    assert [line.partition(":")[0] for line in answer["unread"]["t"]] == ["environment", "code"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("requirements.txt", "# made by hand\nScikit_Learn[extra]>=1.4 ; python_version > '3'\nmlflow\n"),
        ("conda.yaml", "channels:\n- conda-forge\ndependencies:\n- python=3.11.5\n- pip:\n  - Scikit_Learn>=1.4\n"),
    ],
)
def test_environments_are_read_as_clients_write_them(name: str, text: str) -> None:
    found = read_environment(name, text)
    assert found["scikit-learn"] == ">=1.4"
    assert "conda-forge" not in found


def test_an_environment_that_is_not_known_is_no_difference() -> None:
    assert environment_difference([None, {"numpy": "2"}]).rows == ()
    assert [row.name for row in environment_difference([{}, {"numpy": "2"}]).rows] == ["numpy"]


def test_a_very_long_difference_is_cut_and_says_so() -> None:
    long = "\n".join(str(number) for number in range(2 * LONGEST_DIFFERENCE))
    (found,) = code_difference([{}, {"train.py": long}])
    assert len(found.lines) == LONGEST_DIFFERENCE + 1
    assert found.lines[-1].endswith("lines more")
