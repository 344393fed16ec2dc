"""Artifacts by MLflow's REST protocol: what its clients send and get, on a disk and in an object store."""

import hashlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from artifact_doors import ROOT, door
from small_disks import small_disk
from tracking_facts import started

from murmur_access import Role, TokenFile
from murmur_events import Event, Record
from murmur_kernel import disk as disks
from murmur_kernel.bus.memory import MemoryBroker, MemorySink
from murmur_kernel.testing import Harness, eventually
from murmur_tracking.repository import TrackingUnitOfWork

LARGE = bytes(range(256)) * 4096 * 3 + b"the end"


@pytest.fixture(params=["file", "memory"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    url = "" if request.param == "file" else f"memory://{tmp_path.name}"
    async with door(tmp_path, artifacts=url) as client:
        yield client


async def put(client: httpx.AsyncClient, path: str, content: Any, **headers: str) -> httpx.Response:
    return await client.put(f"{ROOT}/{path}", content=content, headers=headers)


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


@pytest.mark.parametrize("content", [b"", b"0", LARGE], ids=["empty", "small", "large"])
async def test_what_was_uploaded_is_downloaded(client: httpx.AsyncClient, content: bytes) -> None:
    answer = await put(client, "0/run/artifacts/model.ubj", content)
    assert (answer.status_code, answer.json()) == (200, {})
    got = await client.get(f"{ROOT}/0/run/artifacts/model.ubj")
    assert got.content == content
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["content-disposition"] == "attachment; filename=model.ubj"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["etag"] == f'"{hashlib.sha256(content).hexdigest()}"'


async def test_a_body_whose_length_is_not_announced_is_taken_too(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(LARGE), 100_000):
            yield LARGE[begin : begin + 100_000]

    assert (await put(client, "0/a", pieces())).status_code == 200
    assert (await client.get(f"{ROOT}/0/a")).content == LARGE


async def test_folders_are_listed_as_mlflow_lists_them(client: httpx.AsyncClient) -> None:
    assert (await client.get(ROOT)).json() == {}
    await put(client, "dir/b.txt", b"1")
    await put(client, "a.txt", b"0")
    assert (await client.get(ROOT)).json() == {
        "files": [{"path": "a.txt", "is_dir": False, "file_size": 1}, {"path": "dir", "is_dir": True}]
    }
    inside = {"files": [{"path": "b.txt", "is_dir": False, "file_size": 1}]}
    assert (await client.get(ROOT, params={"path": "dir"})).json() == inside
    assert (await client.get(f"/ajax-api/2.0{ROOT.removeprefix('/api/2.0')}", params={"path": "dir"})).json() == inside
    assert (await client.get(ROOT, params={"path": "dir/b.txt"})).json() == {}
    assert (await client.get(ROOT, params={"path": "nowhere"})).json() == {}


async def test_uploading_again_replaces(client: httpx.AsyncClient) -> None:
    await put(client, "0/a.txt", b"first")
    await put(client, "0/a.txt", b"second one")
    assert (await client.get(f"{ROOT}/0/a.txt")).content == b"second one"
    assert (await client.get(ROOT, params={"path": "0"})).json()["files"] == [
        {"path": "a.txt", "is_dir": False, "file_size": 10}
    ]


async def test_what_is_deleted_is_gone_and_the_rest_is_not(client: httpx.AsyncClient) -> None:
    for path in ("0/run/artifacts/a.txt", "0/run/artifacts/deep/b.txt", "0/other/artifacts/a.txt"):
        await put(client, path, b"x")
    assert (await client.delete(f"{ROOT}/0/run/artifacts/a.txt")).json() == {}
    assert error(await client.get(f"{ROOT}/0/run/artifacts/a.txt")) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert (await client.get(f"{ROOT}/0/run/artifacts/deep/b.txt")).status_code == 200
    assert (await client.delete(f"{ROOT}/0/run/artifacts/")).status_code == 200
    assert (await client.get(f"{ROOT}/0/run/artifacts/deep/b.txt")).status_code == 404
    assert (await client.delete(f"{ROOT}/0/run/artifacts/not-there")).status_code == 200
    assert (await client.get(f"{ROOT}/0/other/artifacts/a.txt")).content == b"x"


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-9", 206, LARGE[:10], f"bytes 0-9/{len(LARGE)}"),
        ("bytes=1048570-2097159", 206, LARGE[1048570:2097160], f"bytes 1048570-2097159/{len(LARGE)}"),
        ("bytes=3145728-", 206, b"the end", f"bytes 3145728-{len(LARGE) - 1}/{len(LARGE)}"),
        ("bytes=-7", 206, b"the end", f"bytes 3145728-{len(LARGE) - 1}/{len(LARGE)}"),
        ("bytes=-99999999", 206, LARGE, f"bytes 0-{len(LARGE) - 1}/{len(LARGE)}"),
        ("bytes=5-99999999", 206, LARGE[5:], f"bytes 5-{len(LARGE) - 1}/{len(LARGE)}"),
        ("bytes=99999999-", 416, b"", f"bytes */{len(LARGE)}"),
        ("bytes=-0", 416, b"", f"bytes */{len(LARGE)}"),
        ("bytes=9-5", 200, LARGE, None),
        ("bytes=0-1,5-6", 200, LARGE, None),
        ("lines=1-2", 200, LARGE, None),
    ],
)
async def test_a_range_is_a_part(
    client: httpx.AsyncClient, asked: str, status: int, content: bytes, told: str | None
) -> None:
    await put(client, "0/a", LARGE)
    got = await client.get(f"{ROOT}/0/a", headers={"Range": asked})
    assert (got.status_code, got.content, got.headers.get("content-range")) == (status, content, told)


async def test_a_part_of_what_has_been_replaced_is_not_mixed_with_the_former(client: httpx.AsyncClient) -> None:
    await put(client, "0/a", LARGE)
    former = (await client.get(f"{ROOT}/0/a")).headers["etag"]
    await put(client, "0/a", b"new")
    got = await client.get(f"{ROOT}/0/a", headers={"Range": "bytes=1-", "If-Range": former})
    assert (got.status_code, got.content) == (200, b"new")
    unchanged = await client.get(f"{ROOT}/0/a", headers={"If-None-Match": got.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


HOSTILE = [
    "%2e%2e/secret",
    "a/%2e%2e/%2e%2e/secret",
    "%252e%252e%252fsecret",
    "%2Fetc/passwd",
    "file:%2F%2F/etc",
    "a%00",
]


@pytest.mark.parametrize("path", HOSTILE)
async def test_no_path_leads_out_of_the_workspace(client: httpx.AsyncClient, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    for answer in (
        await put(client, path, b"x"),
        await client.get(f"{ROOT}/{path}"),
        await client.delete(f"{ROOT}/{path}"),
        await client.get(f"{ROOT}?path={path}"),
        await client.post(f"/api/2.0/mlflow-artifacts/mpu/create/{path}", json={}),
    ):
        assert error(answer) == (400, "INVALID_PARAMETER_VALUE")
        assert answer.json()["message"].startswith("Invalid path")
    assert (tmp_path / "secret").read_text() == "secret"


async def test_workspaces_do_not_see_each_other(client: httpx.AsyncClient) -> None:
    await put(client, "0/a.txt", b"ours", **{"X-Murmur-Workspace": "ours"})
    await put(client, "0/a.txt", b"theirs", **{"X-Murmur-Workspace": "theirs"})
    assert (await client.get(ROOT)).json() == {}
    for name in ("ours", "theirs"):
        got = await client.get(f"{ROOT}/0/a.txt", headers={"X-Murmur-Workspace": name})
        assert got.content == name.encode()
    for bad in ("..", "a/b", "x" * 65):
        assert error(await client.get(ROOT, headers={"X-Murmur-Workspace": bad})) == (400, "INVALID_PARAMETER_VALUE")


async def test_a_folder_is_no_file(client: httpx.AsyncClient) -> None:
    await put(client, "0/deep/a.txt", b"x")
    answer = await client.get(f"{ROOT}/0/deep")
    assert error(answer) == (400, "INVALID_PARAMETER_VALUE")
    assert "refers to a directory" in answer.json()["message"]
    assert error(await put(client, "0/deep/", b"x")) == (400, "INVALID_PARAMETER_VALUE")


async def test_on_a_disk_a_name_is_a_file_or_a_folder(tmp_path: Path) -> None:
    async with door(tmp_path) as client:
        await put(client, "0/deep/a.txt", b"x")
        for taken in ("0/deep", "0/deep/a.txt/b"):
            answer = await put(client, taken, b"y")
            assert error(answer) == (400, "INVALID_PARAMETER_VALUE")
            assert repr(taken) in answer.json()["message"]
        assert (await client.get(f"{ROOT}/0/deep/a.txt")).content == b"x"


async def test_a_path_that_might_lead_out_is_refused_in_exactly_mlflows_words(client: httpx.AsyncClient) -> None:
    for address in ("/get-artifact", "/model-versions/get-artifact"):
        asked = {"run_id": "nobody", "name": "model", "version": 1, "path": "../path"}
        answer = await client.get(address, params=asked)
        assert answer.status_code == 400
        assert answer.json() == {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid path"}


@pytest.mark.parametrize("step", ["create", "complete", "abort"])
async def test_who_asks_for_parts_is_told_to_send_the_whole(client: httpx.AsyncClient, step: str) -> None:
    """In the words by which MLflow's clients know it."""
    answer = await client.post(
        f"/api/2.0/mlflow-artifacts/mpu/{step}/0/run/artifacts", json={"path": "a", "num_parts": 3}
    )
    assert error(answer) == (501, "NOT_IMPLEMENTED")
    assert answer.json()["message"].startswith("Multipart upload is not supported for the current artifact repository")
    assert error(await client.get("/api/2.0/mlflow-artifacts/presigned/0/a")) == (501, "NOT_IMPLEMENTED")


async def test_the_door_says_that_it_is_there_and_what_it_speaks(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).text == "OK"
    assert (await client.get("/version")).text.split(".")[0] == "3"
    info = (await client.get("/api/3.0/mlflow/server-info")).json()
    assert (info["multipart_uploads_enabled"], info["workspaces_enabled"]) == (False, False)


async def test_a_file_beyond_the_limit_is_refused_whether_announced_or_not(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(65536)

    async with door(tmp_path, largest_artifact=3 * 2**20) as client:
        assert (await put(client, "0/a", bytes(3 * 2**20))).status_code == 200
        announced = await put(client, "0/b", bytes(3 * 2**20 + 1))
        streamed = await put(client, "0/c", pieces())
        assert error(announced) == error(streamed) == (413, "INVALID_PARAMETER_VALUE")
        assert "MURMUR_LARGEST_ARTIFACT" in announced.json()["message"]
        assert [each["path"] for each in (await client.get(f"{ROOT}?path=0")).json()["files"]] == ["a"]
    assert list((tmp_path / "artifacts" / "incoming").iterdir()) == []


async def test_on_a_full_disk_an_upload_is_refused_and_nothing_of_it_stays(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", mebibytes=6 + disks.RESERVE // 2**20) as disk:
        async with door(disk.path) as client:
            await put(client, "0/a", b"before")
            refused = await put(client, "0/a", bytes(8 * 2**20))
            assert error(refused) == (507, "RESOURCE_EXHAUSTED")
            assert "make room" in refused.json()["message"]
            assert (await client.get(f"{ROOT}/0/a")).content == b"before"
            assert (await put(client, "0/b", bytes(2**20))).status_code == 200
            assert list((disk.path / "artifacts" / "incoming").iterdir()) == []


async def test_bytes_that_were_changed_on_the_disk_are_not_sent(tmp_path: Path) -> None:
    async with door(tmp_path) as client:
        await put(client, "0/small", b"small")
        for stored in (tmp_path / "artifacts").glob("??/*"):
            stored.write_bytes(b"tampered")
        assert error(await client.get(f"{ROOT}/0/small")) == (500, "DATA_LOSS")
        shutil.rmtree(tmp_path / "artifacts" / hashlib.sha256(b"small").hexdigest()[:2])
        assert error(await client.get(f"{ROOT}/0/small")) == (500, "DATA_LOSS")


async def test_equal_files_of_many_runs_are_kept_once(tmp_path: Path) -> None:
    async with door(tmp_path) as client:
        for run in range(5):
            await put(client, f"0/{run}/artifacts/model.ubj", LARGE)
    assert len(list((tmp_path / "artifacts").glob("??/*"))) == 1


async def test_bytes_keep_the_suffix_of_their_first_name_unless_backups_would_leave_them_out(tmp_path: Path) -> None:
    async with door(tmp_path) as client:
        await put(client, "0/model.ubj", b"a model")
        await put(client, "0/download.part", b"another")
        await put(client, "0/what.is-this thing", b"a third")
    stored = {path.read_bytes(): path.suffix for path in (tmp_path / "artifacts").glob("??/*")}
    assert stored == {b"a model": ".ubj", b"another": "", b"a third": ""}


async def test_a_client_shows_its_token_and_may_do_what_its_role_lets_it(tmp_path: Path) -> None:
    """MLflow's clients send MLFLOW_TRACKING_TOKEN so."""
    tokens = TokenFile(tmp_path / "secrets" / "tokens.json")
    author, viewer = (tokens.issue(role.value, [role]).token for role in (Role.AUTHOR, Role.VIEWER))
    async with door(tmp_path, auth="tokens") as client:
        unknown = await put(client, "0/a", b"x")
        assert error(unknown) == (401, "UNAUTHENTICATED")
        assert unknown.headers["www-authenticate"].startswith("Bearer")
        assert error(await put(client, "0/a", b"x", Authorization=f"Bearer {viewer}")) == (403, "PERMISSION_DENIED")
        assert (await put(client, "0/a", b"x", Authorization=f"Bearer {author}")).status_code == 200
        got = await client.get(f"{ROOT}/0/a", headers={"Authorization": f"Bearer {viewer}"})
        assert got.content == b"x"
        assert (await client.get("/health")).status_code == 200


async def test_artifacts_of_a_run_are_listed_with_their_digests_and_got_by_its_id(tmp_path: Path) -> None:
    broker = MemoryBroker()
    async with door(tmp_path, broker=broker) as client:
        await MemorySink(broker).send([record_of(started("r1"))])

        async def known() -> httpx.Response | None:
            answer = await client.get("/v1/runs/r1/artifacts")
            return answer if answer.status_code == 200 else None

        answer = await eventually(known)
        assert answer is not None
        root = answer.json()["root"]
        top = root.removeprefix("mlflow-artifacts:/")
        await put(client, f"{top}/model/m.ubj", b"model")
        assert (await client.get("/v1/runs/r1/artifacts")).json()["items"] == [
            {"path": "model", "is_folder": True, "size": None, "sha256": None, "uri": None, "at": None}
        ]
        [item] = (await client.get("/v1/runs/r1/artifacts?path=model")).json()["items"]
        assert (item["path"], item["size"]) == ("model/m.ubj", 5)
        assert item["sha256"] == hashlib.sha256(b"model").hexdigest()
        assert Path(item["uri"].removeprefix("file://")).read_bytes() == b"model"
        for asked in ("run_id", "run_uuid"):
            got = await client.get("/get-artifact", params={asked: "r1", "path": "model/m.ubj"})
            assert got.content == b"model"
        sent = await client.post(
            "/ajax-api/2.0/mlflow/upload-artifact", params={"run_uuid": "r1", "path": "a/b.txt"}, content=b"hello"
        )
        assert sent.status_code == 200
        assert (await client.get(f"{ROOT}/{top}/a/b.txt")).content == b"hello"
        for method, path in (
            ("GET", "/get-artifact?run_id=nobody&path=a"),
            ("GET", "/get-artifact?run_id=r1&path=not-there"),
        ):
            assert error(await client.request(method, path)) == (404, "RESOURCE_DOES_NOT_EXIST")
        for path, status in (("/v1/runs/nobody/artifacts", 404), ("/v1/runs/r1/artifacts?path=..", 400)):
            problem = await client.get(path)
            assert (problem.status_code, problem.headers["content-type"]) == (status, "application/problem+json")
        for method, path in (
            ("GET", "/get-artifact?run_id=r1"),
            ("GET", "/get-artifact?path=a"),
            ("GET", "/get-artifact?run_id=r1&path=../../x"),
            ("POST", "/ajax-api/2.0/mlflow/upload-artifact?path=a"),
            ("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r1"),
            ("POST", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=r1&path=a"),
        ):
            assert error(await client.request(method, path)) == (400, "INVALID_PARAMETER_VALUE")


def record_of(event: Event) -> Record:
    harness: Harness[TrackingUnitOfWork] = Harness(TrackingUnitOfWork, kinds=())
    raw = harness.record_of(event)
    return Record(raw.topic, raw.key.encode(), raw.value, raw.headers)
