"""`python -m contracts.generate`: drift is found, a break is refused and nothing written, the rest is written."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.generate import ROOT, generated_events, main, reconcile

Files = dict[str, str]
EVENT = "schemas/review.decided/v1.json"


@pytest.fixture(scope="module")
def files() -> Files:
    """What the code says of events now."""
    return generated_events()


@pytest.fixture
def folder(tmp_path: Path, files: Files) -> Path:
    """A copy of contracts/, as far as events go."""
    for part in ("schemas", "asyncapi.yaml"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    assert reconcile(files, tmp_path, check=True) == 0, "run `python -m contracts.generate` first"
    return tmp_path


def changed(files: Files, path: str, **properties: Any) -> Files:
    """The code after somebody gave the event of `path` other fields; None takes one away."""
    schema = json.loads(files[path])
    fields = {name: field for name, field in (schema["properties"] | properties).items() if field is not None}
    return files | {path: json.dumps(schema | {"properties": fields})}


def test_what_lies_in_the_repository_is_what_the_code_says(folder: Path, files: Files) -> None:
    """The fixture has checked it; here: that the check looked at something."""
    assert len(files) > 20
    assert {str(path.relative_to(folder)) for path in folder.rglob("*.json")} == {
        path for path in files if path.endswith(".json")
    }


@pytest.mark.parametrize("path", [EVENT, "asyncapi.yaml"])
def test_a_file_edited_by_hand_is_found(
    folder: Path, files: Files, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / path).write_text((folder / path).read_text() + "\n")
    assert reconcile(files, folder, check=True) == 1
    assert f"contracts/{path}" in capsys.readouterr().out


def test_a_file_that_is_missing_is_found_and_written(folder: Path, files: Files) -> None:
    (folder / EVENT).unlink()
    assert reconcile(files, folder, check=True) == 1
    assert not (folder / EVENT).exists()
    assert reconcile(files, folder) == 0
    assert (folder / EVENT).read_text() == files[EVENT]


def test_a_file_that_nothing_generates_is_found_and_removed(
    folder: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    stray = folder / "openapi" / "oracle.json"
    stray.parent.mkdir()
    stray.write_text("{}")
    assert reconcile(files, folder, check=True) == 1
    assert "contracts/openapi/oracle.json" in capsys.readouterr().out
    assert reconcile(files, folder) == 0
    assert not stray.exists()


def test_an_optional_field_is_drift_until_it_is_written(folder: Path, files: Files) -> None:
    newer = changed(files, EVENT, remark={"type": "string", "default": ""})
    assert reconcile(newer, folder, check=True) == 1
    assert reconcile(newer, folder) == 0
    assert reconcile(newer, folder, check=True) == 0


@pytest.mark.parametrize("check", [True, False])
def test_a_breaking_change_is_refused_and_nothing_is_written(
    folder: Path, files: Files, capsys: pytest.CaptureFixture[str], check: bool
) -> None:
    newer = changed(files, EVENT, reason=None) | {"schemas/new.added/v1.json": "{}"}
    assert reconcile(newer, folder, check=check) == 1
    assert f"breaks its readers: {EVENT} /reason: was removed" in capsys.readouterr().out
    assert (folder / EVENT).read_text() == files[EVENT]
    assert not (folder / "schemas/new.added").exists()


def test_a_removed_topic_breaks_its_readers(folder: Path, files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    rest = {path: text for path, text in files.items() if path != EVENT}
    assert reconcile(rest, folder) == 1
    assert f"breaks its readers: {EVENT}: was removed" in capsys.readouterr().out
    assert (folder / EVENT).exists()


def test_what_no_release_has_carried_may_still_be_broken(folder: Path, files: Files) -> None:
    newer = changed(files, EVENT, reason=None)
    assert reconcile(newer, folder, check=True, unreleased=True) == 1
    assert reconcile(newer, folder, unreleased=True) == 0
    assert reconcile(newer, folder, check=True) == 0


def test_a_released_schema_that_is_no_json_is_named(
    folder: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / EVENT).write_text("<<<<<<< HEAD")
    assert reconcile(files, folder) == 1
    assert f"{EVENT}: is not JSON" in capsys.readouterr().out


def test_async_api_refers_to_schemas_and_channels_that_exist(files: Files) -> None:
    document = json.loads(files["asyncapi.yaml"])
    for channel in document["channels"].values():
        for message in channel["messages"].values():
            assert message["payload"]["$ref"] in files
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]


def test_defaults_are_what_people_may_write(files: Files) -> None:
    """Editors offer a default as a completion."""
    schemas = {path: json.loads(text) for path, text in files.items() if path.startswith("schemas/")}
    wrong = [f"{path}: {place}" for path, schema in schemas.items() for place in unusable_defaults(schema)]
    assert wrong == []


def unusable_defaults(schema: Any) -> Iterator[str]:
    """Fields whose default their own schema refuses."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part.get("properties", {}).items():
            whole = {"$defs": schema.get("$defs", {}), **field}
            if "default" in field and not Draft202012Validator(whole).is_valid(field["default"]):
                yield f"{part['title']}.{name} has the default {field['default']!r}"


def test_wrong_usage_ends_with_2() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--chek"])
    assert ended.value.code == 2
