"""Models and versions in MLflow's shape. What is empty is left out, as protocol buffers do it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from murmur_registry.domain.models import RegisteredModel
from murmur_registry.domain.stages import Stage, stage_of
from murmur_registry.repository import VersionDocument


def model_answer(model: RegisteredModel, latest: Iterable[VersionDocument]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "name": model.name,
        "creation_timestamp": milliseconds(model.created_at),
        "last_updated_timestamp": milliseconds(model.updated_at),
    }
    if model.description:
        answer["description"] = model.description
    if versions := [version_answer(version) for version in latest]:
        answer["latest_versions"] = versions
    if model.tags:
        answer["tags"] = _tags(model.tags.items())
    if named := model.named:
        answer["aliases"] = [{"alias": alias, "version": str(version)} for alias, version in named.items()]
    return answer


def version_answer(version: VersionDocument, aliases: Iterable[str] = ()) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "name": version.name,
        "version": str(version.version),
        "creation_timestamp": milliseconds(version.created_at),
        "last_updated_timestamp": milliseconds(version.touched_at),
        "current_stage": stage_of(version).value,
        "description": version.description,
        "source": version.source or "",
        "run_id": version.run_id or "",
        "run_link": version.run_link or "",
        "status": "READY",
    }
    if version.user:
        answer["user_id"] = version.user
    if version.logged_model:
        answer["model_id"] = version.logged_model
    if version.tags:
        answer["tags"] = _tags(version.tags.items())
    if names := list(aliases):
        answer["aliases"] = names
    return answer


def latest_of_each_stage(versions: Iterable[VersionDocument]) -> dict[Stage, VersionDocument]:
    latest: dict[Stage, VersionDocument] = {}
    for version in sorted(versions, key=lambda one: one.version):
        latest[stage_of(version)] = version
    return latest


def milliseconds(at: datetime) -> int:
    """Since 1970."""
    return int(at.timestamp() * 1000)


def _tags(tags: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags]
