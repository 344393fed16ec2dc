"""What is remembered of a model: every change with who, when, why and what caused it; and how it was at some time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from murmur_registry.domain.models import Cause, Via


class What(StrEnum):
    """What was changed: of a model, or of the version that the change names."""

    MADE = "made"
    DELETED = "deleted"
    RENAMED = "renamed"
    DESCRIBED = "described"
    TAG = "tag"
    STAGE = "stage"
    STATUS = "status"
    """Of a workflow's version, by validation, review or promotion; its stage follows."""
    ALIAS = "alias"
    RULES = "rules"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One entry, never changed. `before` and `after` None: there was, or is, nothing.

    name:  of the tag or the alias
    facts: what stays with a version from its making on, such as its source and its run
    """

    id: str
    model: str
    version: int | None = None
    what: What
    name: str = ""
    before: str | None = None
    after: str | None = None
    by: str
    reason: str
    via: Via
    cause: Cause | None = None
    at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VersionThen:
    """A version as it was; `stage` in MLflow's words, `status` where a workflow made it."""

    version: int
    created_at: datetime
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    stage: str = "None"
    status: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelThen:
    """A model as it was. What `versions` lacks did not exist, or was deleted."""

    name: str
    created_at: datetime
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    versions: Mapping[int, VersionThen] = field(default_factory=dict)


def how_it_was(name: str, changes: Iterable[Change]) -> ModelThen | None:
    """The model after these changes, which are in the order in which they were made; None: there was none of the name.

    A name that was deleted and taken again is another model: nothing of the first is left in it.
    """
    model: ModelThen | None = None
    for change in changes:
        if change.version is not None and change.what is not What.ALIAS:
            if model is None and change.what is What.MADE:  # what was before it went with its workspace
                model = ModelThen(name=name, created_at=change.at)
            if model is not None:
                model = replace(model, versions=_versions(model.versions, change.version, change))
        elif change.what is What.MADE:
            model = ModelThen(name=name, created_at=change.at, description=change.after or "")
        elif change.what is What.DELETED:
            model = None
        elif model is not None:
            model = _changed(model, change)
    return model


def _changed(model: ModelThen, change: Change) -> ModelThen:
    match change.what:
        case What.DESCRIBED:
            return replace(model, description=change.after or "")
        case What.TAG:
            return replace(model, tags=_put(model.tags, change.name, change.after))
        case What.ALIAS:
            aliases = {alias: version for alias, version in model.aliases.items() if alias != change.name}
            return replace(model, aliases=aliases | ({change.name: change.version} if change.version else {}))
        case _:
            return model


def _versions(versions: Mapping[int, VersionThen], number: int, change: Change) -> Mapping[int, VersionThen]:
    others = {other: version for other, version in versions.items() if other != number}
    match change.what:
        case What.DELETED:
            return others
        case What.MADE:
            made = VersionThen(
                version=number,
                created_at=change.at,
                description=change.after or "",
                status=change.facts.get("status"),
                facts={key: value for key, value in change.facts.items() if key != "status"},
            )
            return others | {number: made}
        case _ if number in versions:
            return others | {number: _version(versions[number], change)}
        case _:
            return versions


def _version(version: VersionThen, change: Change) -> VersionThen:
    match change.what:
        case What.DESCRIBED:
            return replace(version, description=change.after or "")
        case What.TAG:
            return replace(version, tags=_put(version.tags, change.name, change.after))
        case What.STAGE:
            return replace(version, stage=change.after or "None")
        case What.STATUS:
            return replace(version, status=change.after)
        case _:
            return version


def _put(texts: Mapping[str, str], key: str, value: str | None) -> dict[str, str]:
    rest = {other: text for other, text in texts.items() if other != key}
    return rest if value is None else rest | {key: value}
