"""An import that is done again takes what is new, brings what has changed up to date, and touches nothing else."""

from mlflow_contents import FILES, filled, seen, without_marks
from mlflow_worlds import SOURCE, Calls, P, World, imported

from murmur_cli.mlflow_import.shapes import DIGEST, FROM, INCOMPLETE
from murmur_cli.mlflow_import.tally import Kind

Worlds = tuple[World, World]


async def tags_of(world: World, run_id: str) -> dict[str, str]:
    run = (await world.get("/runs/get", run_id=run_id))["run"]
    return {one["key"]: one["value"] for one in run["data"].get("tags", [])}


def writes(calls: Calls) -> list[str]:
    """Without searches, and without the call that asks whether an import may be."""
    return [one for one in calls.written if not one.endswith("/search")][1:]


async def test_a_second_import_changes_nothing(worlds: Worlds) -> None:
    there, here = worlds
    await filled(there)
    await imported(there, here)
    before = await seen(here)
    here.doors.watch = calls = Calls()
    tally = await imported(there, here)
    assert (sum(tally.taken.values()), sum(tally.updated.values()), tally.left) == (0, 0, [])
    assert tally.there[Kind.RUN] == 5
    assert writes(calls) == []
    assert await seen(here) == before


async def test_what_a_run_has_logged_since_is_brought_and_what_it_had_is_not_doubled(worlds: Worlds) -> None:
    there, here = worlds
    ids = await filled(there)
    await imported(there, here)
    run = ids["parent"]
    for step in (100, 101):
        await there.post("/runs/log-metric", run_id=run, key="loss", value=1.5, timestamp=step, step=step)
    await there.post("/runs/log-parameter", run_id=run, key="late", value="yes")
    await there.post("/runs/set-tag", run_id=run, key="mlflow.runName", value="renamed")
    await there.post("/runs/update", run_id=ids["open"], status="FINISHED", end_time=9900)
    tally = await imported(there, here)
    assert (tally.taken[Kind.RUN], tally.updated[Kind.RUN], tally.there[Kind.RUN]) == (0, 2, 3)
    assert without_marks(await seen(here)) == without_marks(await seen(there))


async def test_what_people_wrote_here_since_stays_where_the_source_has_not_changed(worlds: Worlds) -> None:
    there, here = worlds
    ids = await filled(there)
    await imported(there, here)
    await here.post("/runs/set-tag", run_id=ids["child"], key="mlflow.note.content", value="seen by vera")
    await here.post("/registered-models/alias", name="churn model", alias="champion", version="1")
    tally = await imported(there, here)
    assert sum(tally.updated.values()) == 0
    assert (await tags_of(here, ids["child"]))["mlflow.note.content"] == "seen by vera"
    named = await here.get("/registered-models/alias", name="churn model", alias="champion")
    assert named["model_version"]["version"] == "1"


async def test_an_alias_that_has_moved_on_the_source_moves_here(worlds: Worlds) -> None:
    there, here = worlds
    await filled(there)
    await imported(there, here)
    await there.post("/registered-models/alias", name="churn model", alias="champion", version="1")
    await there.post("/model-versions/transition-stage", name="churn model", version="3", stage="Archived")
    tally = await imported(there, here)
    assert (tally.updated[Kind.MODEL], tally.updated[Kind.VERSION]) == (1, 1)
    assert without_marks(await seen(here)) == without_marks(await seen(there))


async def test_an_experiment_that_was_renamed_here_is_known_again(worlds: Worlds) -> None:
    there, here = worlds
    await filled(there)
    await imported(there, here)
    found = await here.get("/experiments/get-by-name", experiment_name="churn")
    await here.post("/experiments/update", experiment_id=found["experiment"]["experiment_id"], new_name="ours")
    tally = await imported(there, here)
    assert (tally.there[Kind.EXPERIMENT], tally.there[Kind.RUN], tally.left) == (3, 5, [])


async def test_a_file_that_is_not_given_is_left_and_tried_again(worlds: Worlds) -> None:
    there, here = worlds
    ids = await filled(there)
    lost = [one for one in there.home.rglob("*.png") if not one.is_symlink()]
    for one in lost:
        one.rename(one.with_suffix(".away"))
    tally = await imported(there, here)
    assert [(one.kind, one.expected) for one in tally.left] == [(Kind.FILE, False), (Kind.RUN, False)]
    assert not tally.is_whole
    tags = await tags_of(here, ids["parent"])
    assert "roc curve.png" in tags[INCOMPLETE]
    assert DIGEST not in tags
    for one in lost:
        one.with_suffix(".away").rename(one)
    again = await imported(there, here)
    assert (again.taken[Kind.FILE], again.there[Kind.FILE], again.left) == (1, len(FILES) - 1, [])
    assert INCOMPLETE not in await tags_of(here, ids["parent"])
    assert without_marks(await seen(here)) == without_marks(await seen(there))


async def test_runs_of_others_are_left_with_the_reason(worlds: Worlds) -> None:
    there, here = worlds
    ids = await filled(there)
    here.workspace = "team-a"
    await imported(there, here)
    here.workspace = "team-b"
    tally = await imported(there, here)
    reasons = {one.reason for one in tally.left if one.kind is Kind.RUN}
    assert len(reasons) == 5
    assert all("another workspace" in reason for reason in reasons)
    here.workspace = "team-a"
    assert (await tags_of(here, ids["parent"]))[FROM] == SOURCE


async def test_what_was_deleted_here_since_does_not_come_again(worlds: Worlds) -> None:
    there, here = worlds
    ids = await filled(there)
    await imported(there, here)
    await here.post("/runs/delete", run_id=ids["child"])
    await here.call("DELETE", f"{P}/logged-models/{ids['model']}", {})
    await here.call("DELETE", f"{P}/model-versions/delete", {"name": "churn model", "version": "1"})
    before = await seen(here, files=False)
    tally = await imported(there, here)
    assert (sum(tally.taken.values()), tally.is_whole) == (0, True)
    assert [(one.name, one.expected) for one in tally.left] == [("churn model 1", True)]
    assert await seen(here, files=False) == before


async def test_a_registered_model_that_was_deleted_here_comes_again(worlds: Worlds) -> None:
    there, here = worlds
    await filled(there)
    await imported(there, here)
    await here.call("DELETE", f"{P}/registered-models/delete", {"name": "churn model"})
    tally = await imported(there, here)
    assert (tally.taken[Kind.MODEL], tally.taken[Kind.VERSION], tally.left) == (1, 2, [])
    assert without_marks(await seen(here)) == without_marks(await seen(there))


async def test_a_file_whose_name_would_be_read_otherwise_is_left(worlds: Worlds) -> None:
    there, here = worlds
    ids = await filled(there)
    for one in there.home.rglob("c.txt"):
        one.rename(one.with_name("c%2541.txt"))  # as it lies on the disk: its name is c%41.txt
    tally = await imported(there, here)
    assert next((one.kind, one.name) for one in tally.left) == (Kind.FILE, f"{ids['parent']}/a/b/c%41.txt")


async def test_a_model_of_the_same_name_is_left_as_it_is(worlds: Worlds) -> None:
    there, here = worlds
    await filled(there)
    await here.post("/registered-models/create", name="churn model", description="ours")
    tally = await imported(there, here)
    left = {one.name: one.reason for one in tally.left}
    assert "was not imported" in left["churn model"]
    assert set(left) == {"churn model", "churn model 1", "churn model 3", "a copy 1", "a copy"}
    model = (await here.get("/registered-models/get", name="churn model"))["registered_model"]
    assert model["description"] == "ours"


async def test_only_one_experiment_and_the_versions_of_its_runs(worlds: Worlds) -> None:
    there, here = worlds
    await filled(there)
    tally = await imported(there, here, "old")
    assert (tally.taken[Kind.EXPERIMENT], tally.taken[Kind.RUN], tally.taken[Kind.MODEL]) == (1, 1, 0)
    assert tally.is_whole
    await imported(there, here)
    assert without_marks(await seen(here)) == without_marks(await seen(there))
