"""Artifacts through the server's proxy, by the client: written, listed, read back, and paths that lead out refused."""

import json
from pathlib import Path

import mlflow
import numpy as np
import pytest
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from PIL import Image
from rest import Rest

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    (made / "sub" / "deep").mkdir(parents=True)
    (made / "a.txt").write_text("hello")
    (made / "sub" / "deep" / "b.bin").write_bytes(bytes(range(256)) * 4096)
    return made


def test_a_folder_is_logged_listed_and_read_back(client: MlflowClient, run: str, folder: Path, tmp_path: Path) -> None:
    assert client.list_artifacts(run) == []
    client.log_artifacts(run, str(folder), "data")
    client.log_artifact(run, str(folder / "a.txt"))

    def listed(path: str | None = None) -> list[tuple[str, bool, int | None]]:
        return [(found.path, found.is_dir, found.file_size or None) for found in client.list_artifacts(run, path)]

    assert listed() == [("a.txt", False, 5), ("data", True, None)]
    assert listed("data") == [("data/a.txt", False, 5), ("data/sub", True, None)]
    assert listed("data/sub/deep") == [("data/sub/deep/b.bin", False, 1 << 20)]
    assert listed("nothing/here") == []

    whole = Path(mlflow.artifacts.download_artifacts(run_id=run, dst_path=str(tmp_path / "whole")))
    assert (whole / "data" / "sub" / "deep" / "b.bin").read_bytes() == bytes(range(256)) * 4096
    assert Path(mlflow.artifacts.download_artifacts(f"runs:/{run}/a.txt")).read_text() == "hello"


@pytest.mark.usefixtures("experiment")
def test_everything_that_can_be_logged_can_be_loaded(client: MlflowClient) -> None:
    picture = Image.fromarray(np.zeros((4, 4, 3), dtype=np.uint8))
    with mlflow.start_run() as run:
        mlflow.log_text("ünï", "notes/a.txt")
        mlflow.log_dict({"a": [1, 2]}, "a.json")
        mlflow.log_image(picture, "picture.png")
        mlflow.log_image(picture, key="layer", step=1)
        mlflow.log_figure(Figure(figsize=(1, 1)), "plots/figure.png")
        mlflow.log_table({"question": ["?"], "answer": ["!"]}, "table.json")
        mlflow.log_table({"question": ["??"], "answer": ["!!"]}, "table.json")
    root = run.info.artifact_uri
    assert mlflow.artifacts.load_text(f"{root}/notes/a.txt") == "ünï"
    assert mlflow.artifacts.load_dict(f"{root}/a.json") == {"a": [1, 2]}
    assert mlflow.artifacts.load_image(f"{root}/picture.png").size == (4, 4)
    assert mlflow.artifacts.load_image(f"{root}/plots/figure.png").size == (100, 100)
    assert len(client.list_artifacts(run.info.run_id, "images")) == 2  # the picture, and a small one for pages
    table = mlflow.load_table("table.json", run_ids=[run.info.run_id])
    assert list(table["answer"]) == ["!", "!!"]


def test_a_file_that_is_logged_again_is_replaced(client: MlflowClient, run: str) -> None:
    client.log_text(run, "one", "a.txt")
    client.log_text(run, "two", "a.txt")
    assert mlflow.artifacts.load_text(f"runs:/{run}/a.txt") == "two"
    assert len(client.list_artifacts(run)) == 1


def test_odd_names_come_back(client: MlflowClient, run: str) -> None:
    for name in ("a b.txt", "ünï.txt", "50%.txt", "plus+and&.txt", "dots..txt"):
        client.log_text(run, name, f"dir/{name}")
        assert mlflow.artifacts.load_text(f"{client.get_run(run).info.artifact_uri}/dir/{name}") == name
    assert len(client.list_artifacts(run, "dir")) == 5


def test_what_is_not_there_is_not_found(client: MlflowClient, rest: Rest, run: str) -> None:
    client.log_text(run, "x", "dir/a.txt")
    with pytest.raises(MlflowException):
        mlflow.artifacts.download_artifacts(f"runs:/{run}/nothing.txt")
    root = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    code, message = rest.refused(f"{PROXY}/{root}/nothing.txt", method="GET", http=404)
    assert code == "RESOURCE_DOES_NOT_EXIST"
    assert "nothing.txt" in message
    assert rest("GET", f"{PROXY}/{root}/dir").status_code == 400


def test_a_file_is_served_as_an_attachment_that_no_browser_runs(client: MlflowClient, rest: Rest, run: str) -> None:
    types = {"a.txt": "text/plain", "b.pkl": "application/octet-stream", "c.png": "image/png", "MLmodel": "text/plain"}
    root = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    for name, content_type in types.items():
        client.log_text(run, name, name)
        for answer in (
            rest("GET", f"{PROXY}/{root}/{name}"),
            rest("GET", "/get-artifact", params={"run_id": run, "path": name}),
            rest("GET", "/get-artifact", params={"run_uuid": run, "path": name}),
        ):
            assert (answer.status_code, answer.text) == (200, name)
            assert answer.headers["Content-Type"] == content_type
            assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_proxy_lists_by_base_names(client: MlflowClient, rest: Rest, run: str) -> None:
    client.log_text(run, "x", "dir/a.txt")
    root = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    assert rest.get(PROXY, path=root) == {"files": [{"path": "dir", "is_dir": True}]}
    assert rest.get(PROXY, path=f"{root}/dir") == {"files": [{"path": "a.txt", "is_dir": False, "file_size": 1}]}
    assert rest.get("artifacts/list", run_id=run, path="dir") == {
        "root_uri": client.get_run(run).info.artifact_uri,
        "files": [{"path": "dir/a.txt", "is_dir": False, "file_size": 1}],
    }
    assert rest.get(PROXY, path=f"{root}/nothing") == {}


def test_what_is_deleted_is_gone(client: MlflowClient, rest: Rest, run: str) -> None:
    client.log_text(run, "x", "dir/a.txt")
    client.log_text(run, "x", "b.txt")
    root = client.get_run(run).info.artifact_uri.removeprefix("mlflow-artifacts:/")
    for _ in range(2):
        assert rest("DELETE", f"{PROXY}/{root}/dir").status_code == 200
        assert [found.path for found in client.list_artifacts(run)] == ["b.txt"]


@pytest.mark.parametrize("path", ["../a", "/etc/passwd", "a/../../b", "..%2fa", "a%2f..%2f..%2fb", "..", "a#b"])
def test_a_path_that_leads_out_is_refused(rest: Rest, run: str, path: str) -> None:
    for place in ("artifacts/list", "/get-artifact"):
        code, message = rest.refused(place, method="GET", run_id=run, path=path)
        assert (code, message) == ("INVALID_PARAMETER_VALUE", "Invalid path")
    assert rest.refused(PROXY, method="GET", path=path)[1] == "Invalid path"


@pytest.mark.parametrize("path", ["%2e%2e/x", "a/%2e%2e/%2e%2e/x", "..%2fx", "%2fetc/x"])
def test_nothing_is_written_outside(rest: Rest, path: str) -> None:
    answer = rest("PUT", f"{PROXY}/{path}", data=b"x")
    assert answer.status_code in (400, 404), answer.text
    assert json.loads(answer.text).get("error_code") in ("INVALID_PARAMETER_VALUE", "ENDPOINT_NOT_FOUND")


def test_a_large_file_arrives_whether_or_not_the_server_takes_parts(
    client: MlflowClient, run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client asks for an upload in parts first, and sends the file whole where it is told 501."""
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", "1000")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", "1000000")
    content = bytes(range(256)) * 10_000
    (tmp_path / "large.bin").write_bytes(content)
    client.log_artifact(run, str(tmp_path / "large.bin"), "dir")
    assert client.list_artifacts(run, "dir")[0].file_size == len(content)
    assert Path(mlflow.artifacts.download_artifacts(f"runs:/{run}/dir/large.bin")).read_bytes() == content


def test_a_stream_of_no_told_length_is_written(rest: Rest, unique: str) -> None:
    parts = [bytes([number]) * 100_000 for number in range(20)]
    assert rest("PUT", f"{PROXY}/streams/{unique}", data=iter(parts)).status_code == 200
    answer = rest("GET", f"{PROXY}/streams/{unique}")
    assert answer.content == b"".join(parts)


@pytest.mark.client_3
def test_a_part_of_a_file_is_served(rest: Rest, unique: str) -> None:
    rest("PUT", f"{PROXY}/parts/{unique}", data=b"0123456789")
    answer = rest("GET", f"{PROXY}/parts/{unique}", headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
