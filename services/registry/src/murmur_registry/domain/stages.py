"""MLflow's stages: a field of the versions that clients make, a picture of the aliases for those of a workflow.

See contracts/adr/0035: both are shown alike, and only the first are moved by saying so.
"""

from enum import StrEnum

from murmur_registry.domain.memory import VersionThen
from murmur_registry.domain.refusals import Invalid
from murmur_registry.domain.versions import ModelVersion, VersionStatus


class Stage(StrEnum):
    NONE = "None"
    STAGING = "Staging"
    PRODUCTION = "Production"
    ARCHIVED = "Archived"


ACTIVE = (Stage.STAGING, Stage.PRODUCTION)
"""A version may take such a stage from all others: they are archived then."""

_OF_STATUS = {
    VersionStatus.CANDIDATE: Stage.NONE,
    VersionStatus.STAGING: Stage.STAGING,
    VersionStatus.PRODUCTION: Stage.PRODUCTION,
    VersionStatus.ARCHIVED: Stage.ARCHIVED,
    VersionStatus.REJECTED: Stage.ARCHIVED,
}


def stage_of(version: ModelVersion) -> Stage:
    """Of a workflow's version: where its validation, its review and its aliases have brought it."""
    return Stage(version.stage) if version.workflow is None else _OF_STATUS[version.status]


def stage_then(version: VersionThen) -> Stage:
    """As it was; a workflow's version has a status."""
    return Stage(version.stage) if version.status is None else _OF_STATUS[VersionStatus(version.status)]


def stage_named(text: str) -> Stage:
    """In any case of letters. Raises Invalid."""
    for stage in Stage:
        if stage.value.lower() == text.lower():
            return stage
    raise Invalid(f"Invalid Model Version stage: {text}. Value must be one of {', '.join(Stage)}.")


def guarded_by(stage: Stage) -> str:
    """The alias whose rule guards the stage too."""
    return stage.value.lower()
