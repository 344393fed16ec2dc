"""The workflows that we ship keep to the published schema of `workflow.yaml`; so does the schema beside them."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from contracts.generate import ROOT
from murmur_events.workflows import WorkflowDefinition
from murmur_workflows.schema import SCHEMA

PUBLISHED = json.loads((ROOT / "schemas/workflow.yaml/v1.json").read_text())
FILES = tuple(sorted(SCHEMA.parent.glob("**/workflow.yaml")))

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_there_are_some() -> None:
    assert len(FILES) >= 2


@every_file
def test_it_keeps_to_the_published_schema(path: Path) -> None:
    errors = Draft202012Validator(PUBLISHED).iter_errors(read(path))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


@every_file
def test_it_is_what_services_will_read(path: Path) -> None:
    definition = WorkflowDefinition.model_validate(read(path), extra="forbid")
    assert WorkflowDefinition.model_validate_json(definition.model_dump_json()) == definition


def test_a_misspelt_setting_is_refused_by_the_schema_already() -> None:
    misspelt = read(FILES[0]) | {"schedul": "0 0 1 * *"}
    assert not Draft202012Validator(PUBLISHED).is_valid(misspelt)


def test_the_schema_beside_the_workflows_is_the_published_one() -> None:
    shipped = json.loads(SCHEMA.read_text())
    assert shipped | {"title": PUBLISHED["title"]} == PUBLISHED
