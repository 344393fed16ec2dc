"""An experiment: what runs are filed under."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One whose name is taken stays so in the bin, from which it may come back."""

    id: str
    workspace: str
    name: str
    artifact_location: str
    created_at: datetime
    updated_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False


@dataclass(frozen=True, kw_only=True)
class ExperimentName:
    """Who has a name. experiment: "" where it is free again."""

    workspace: str
    name: str
    experiment: str
