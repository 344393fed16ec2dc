"""What the router that owns runs and logged models asks of artifacts."""

from pathlib import Path

import pytest

from murmur_kernel.artifacts import ArtifactStore
from murmur_mlflow.refusals import BadValue
from murmur_tracking.mlflow_api.artifacts import Shelf, list_artifacts, open_names

ROOT = "mlflow-artifacts:/3/run/artifacts"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    url = f"file://{tmp_path}/artifacts"
    return Shelf(ArtifactStore(url), open_names(url), largest=2**20)


async def test_files_are_named_from_the_root_of_the_run(shelf: Shelf, tmp_path: Path) -> None:
    kept = await ArtifactStore(f"file://{tmp_path}/artifacts").put_bytes(b"a model", suffix=".ubj")
    await shelf.name("default", "3/run/artifacts/model/model.ubj", kept)
    assert await list_artifacts(shelf, "default", ROOT) == [{"path": "model", "is_dir": True}]
    inside = [{"path": "model/model.ubj", "is_dir": False, "file_size": 7}]
    assert await list_artifacts(shelf, "default", ROOT, "model") == inside
    assert await list_artifacts(shelf, "default", ROOT, "model/") == inside
    assert await list_artifacts(shelf, "default", ROOT, "model/model.ubj") == []
    assert await list_artifacts(shelf, "other", ROOT, "model") == []


@pytest.mark.parametrize("path", ["..", "../../other", "/etc", "%2e%2e"])
async def test_nothing_beside_the_run_is_listed(shelf: Shelf, path: str) -> None:
    with pytest.raises(BadValue, match="Invalid path"):
        await list_artifacts(shelf, "default", ROOT, path)


async def test_bytes_that_the_platform_has_already_get_a_name_without_being_copied(
    shelf: Shelf, tmp_path: Path
) -> None:
    """So that the model of a trainer's run is among the run's artifacts."""
    store = ArtifactStore(f"file://{tmp_path}/artifacts")
    model = await store.put_bytes(b"a model", suffix=".ubj")
    await shelf.name("default", "3/run/artifacts/model.ubj", model)
    claim = await shelf.find("default", "3/run/artifacts/model.ubj")
    assert claim.artifact == model
    assert await shelf.read(claim) == b"a model"


async def test_a_dropped_workspace_has_no_artifacts_and_the_others_keep_theirs(shelf: Shelf, tmp_path: Path) -> None:
    model = await ArtifactStore(f"file://{tmp_path}/artifacts").put_bytes(b"a model")
    for workspace in ("ours", "theirs"):
        await shelf.name(workspace, "3/run/artifacts/m", model)
    await shelf.drop("ours")
    await shelf.drop("ours")
    assert await shelf.entries("ours", "") == []
    assert (await shelf.find("theirs", "3/run/artifacts/m")).artifact == model
