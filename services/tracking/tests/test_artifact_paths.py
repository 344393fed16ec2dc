"""What may be a path: nothing leads out of the workspace, however it is written."""

import pytest

from murmur_mlflow.refusals import BadValue
from murmur_tracking.mlflow_api.artifacts.media import attachment, media_type
from murmur_tracking.mlflow_api.artifacts.paths import decoded_name, encoded, safe_path
from murmur_tracking.mlflow_api.artifacts.proxied import artifact_path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a.txt", "a.txt"),
        ("1/2/artifacts/model/MLmodel", "1/2/artifacts/model/MLmodel"),
        ("a//b/./c/", "a/b/c"),
        ("", ""),
        ("a%20b.txt", "a b.txt"),
        ("a..b/..c", "a..b/..c"),
        ("dog+step+20.png", "dog+step+20.png"),
        ("größe/日本.csv", "größe/日本.csv"),
        ("[a]*?", "[a]*"),  # what follows ? is a query, for MLflow too
        ("x" * 255, "x" * 255),
        ("a\x07b", "a%07b"),
    ],
)
def test_what_is_meant_by_a_path(written: str, meant: str) -> None:
    assert safe_path(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "..",
        "../x",
        "a/../../x",
        "a/..",
        "%2e%2e/x",
        "a/%2e%2e/%2e%2e/x",
        "%252e%252e%252fx",
        "..%2f..%2fetc%2fpasswd",
        "/etc/passwd",
        "%2Fetc/passwd",
        "//etc/passwd",
        "file:///etc/passwd",
        "file:etc/passwd",
        "FILE:/etc/passwd",
        "file%3A///etc/passwd",
        "C:/x",
        "C:\\x",
        "\\\\server\\share\\x",
        "a#b",
        "a%23b",
        "a\0b",
        "a%00b",
        "a%ff",
        "//[x",
        "x" * 256,
        "é" * 128,
        "/".join(["x" * 200] * 5),
        "%25" * 2 + "25" * 30 + "2e",
    ],
)
def test_what_leads_elsewhere_or_cannot_be_kept_is_refused(written: str) -> None:
    with pytest.raises(BadValue, match="Invalid path"):
        safe_path(written)


@pytest.mark.parametrize("name", ["a*b", "[x]", "100%", "%2e%2e", "back\\slash", "what?"])
def test_a_name_comes_back_from_the_file_system_as_it_went(name: str) -> None:
    stored = encoded(name)
    assert not set(stored) & set("*?[]\\")
    assert decoded_name(stored) == name


@pytest.mark.parametrize(
    ("root", "path", "place"),
    [
        ("mlflow-artifacts:/0/abc/artifacts", "", "0/abc/artifacts"),
        ("mlflow-artifacts:/0/abc/artifacts", "model/MLmodel", "0/abc/artifacts/model/MLmodel"),
        ("mlflow-artifacts://host:5000/0/abc/artifacts", "m", "0/abc/artifacts/m"),
        ("http://host/api/2.0/mlflow-artifacts/artifacts/0/abc/artifacts", "m", "0/abc/artifacts/m"),
        ("mlflow-artifacts:/", "a", "a"),
    ],
)
def test_where_the_artifacts_of_a_run_lie(root: str, path: str, place: str) -> None:
    assert artifact_path(root, path) == place


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("file:///etc", "passwd"),
        ("s3://bucket/x", "a"),
        ("/etc", "passwd"),
        ("http://elsewhere/x", "a"),
        ("mlflow-artifacts:/0/abc/artifacts", "../../../1"),
        ("mlflow-artifacts:/../x", "a"),
    ],
)
def test_what_this_server_does_not_keep_it_does_not_read(root: str, path: str) -> None:
    with pytest.raises(BadValue):
        artifact_path(root, path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text/plain"),
        ("b.pkl", "application/octet-stream"),
        ("c.png", "image/png"),
        ("d.pdf", "application/pdf"),
        ("MLmodel", "text/plain"),
        ("mlproject", "text/plain"),
        ("page.json", "text/plain"),
        ("nothing", "application/octet-stream"),
    ],
)
def test_what_a_file_is_said_to_be(name: str, kind: str) -> None:
    assert media_type(name) == kind


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("dog+step+20.png", "attachment; filename=dog+step+20.png"),
        ("a b.txt", 'attachment; filename="a b.txt"'),
        ('a"; x=y', "attachment; filename=\"a_; x=y\"; filename*=UTF-8''a%22%3B%20x%3Dy"),
        ("größe.csv", "attachment; filename=\"gr__e.csv\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.csv"),
        ("a\r\nSet-Cookie: x", "attachment; filename=\"a__Set-Cookie: x\"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x"),
    ],
)
def test_a_name_in_a_header_stays_one_name(name: str, header: str) -> None:
    assert attachment(name) == header
