"""Writes the generated contracts, or checks them: `python -m contracts.generate [--check] [--unreleased]`.

Exit codes: 0 all is as generated, 1 something differs or would break readers, 2 wrong usage.
"""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.compatibility import breaking_changes
from murmur_events.catalog import CATALOG, SERVICES, Topic
from murmur_events.workflows import workflow_file_schema

ROOT = Path(__file__).parent


def schema_path(topic: Topic) -> str:
    return f"schemas/{topic.name}/v{topic.version}.json"


def generated() -> dict[str, str]:
    """Path below contracts/ -> content."""
    documented = (*SERVICES, "audit")
    return generated_events() | {f"openapi/{service}.json": _json(_openapi(service)) for service in documented}


def generated_events() -> dict[str, str]:
    """Of `generated`, what needs no service to be imported."""
    files = {schema_path(topic): _json(_schema(topic)) for topic in CATALOG}
    files["schemas/workflow.yaml/v1.json"] = _json(workflow_file_schema())
    files["asyncapi.yaml"] = _json(_asyncapi())
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when something differs")
    parser.add_argument("--unreleased", action="store_true", help="allow breaking changes: no release carried them yet")
    options = parser.parse_args(arguments)
    return reconcile(generated(), ROOT, check=options.check, unreleased=options.unreleased)


def reconcile(files: Mapping[str, str], root: Path, *, check: bool = False, unreleased: bool = False) -> int:
    """Make the generated files below `root` be these, or only say what differs; the exit code.

    Nothing is written when a released schema would break its readers.
    """
    broken = [] if unreleased else _broken(files, root)
    differing = [path for path, text in files.items() if _read(root / path) != text]
    stray = [path for path in _present(root) if path not in files]
    for complaint in broken:
        _say(f"breaks its readers: {complaint}")
    if broken:
        _say("publish a new topic version beside the old one, or keep the old field (contracts/README.md)")
        return 1
    if check:
        for path in [*differing, *stray]:
            _say(f"differs from the code: contracts/{path}")
        if differing or stray:
            _say("run `python -m contracts.generate` and commit what it writes")
        return 1 if differing or stray else 0
    for path in differing:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(files[path])
        _say(f"wrote contracts/{path}")
    for path in stray:
        (root / path).unlink()
        _say(f"removed contracts/{path}")
    return 0


def _broken(files: Mapping[str, str], root: Path) -> list[str]:
    complaints: list[str] = []
    for path in _present(root):
        if not path.startswith("schemas/"):
            continue
        if path not in files:
            complaints.append(f"{path}: was removed")
            continue
        try:
            before = json.loads((root / path).read_text())
        except json.JSONDecodeError as error:
            complaints.append(f"{path}: is not JSON ({error}): restore it from version control")
            continue
        complaints += [f"{path} {change}" for change in breaking_changes(before, json.loads(files[path]))]
    return complaints


def _schema(topic: Topic) -> dict[str, Any]:
    schema = topic.event.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schema_path(topic), **schema}


def _asyncapi() -> dict[str, Any]:
    """JSON is YAML; AsyncAPI 3.0."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Murmuration", "version": "1", "description": "CloudEvents 1.0 in Kafka binary mode"},
        "channels": {topic.name: _channel(topic) for topic in CATALOG},
        "operations": {
            f"{writer}.{topic.name}": {"action": "send", "channel": {"$ref": f"#/channels/{topic.name}"}}
            for topic in CATALOG
            for writer in topic.writers
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": (topic.event.__doc__ or "").strip(),
        "bindings": {"kafka": {"partitions": topic.partitions}},
        "messages": {topic.event.__name__: {"payload": {"$ref": schema_path(topic)}}},
        "x-owner": topic.owner,
        "x-writers": list(topic.writers),
        "x-key": topic.key,
        "x-open-to-clients": topic.open_to_clients,
    }


def _openapi(service: str) -> dict[str, Any]:
    os.environ.setdefault("MURMUR_HOME", "/nonexistent")
    app = importlib.import_module(f"murmur_{service}.app").create_app()
    document: dict[str, Any] = app.openapi()
    return document


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _present(root: Path) -> list[str]:
    found = [*root.glob("schemas/*/*.json"), *root.glob("openapi/*.json")]
    return sorted(str(path.relative_to(root)) for path in found)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
