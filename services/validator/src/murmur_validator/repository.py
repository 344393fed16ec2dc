"""What the validator keeps: validations, the rules of each workflow revision, and the baseline of each model."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from murmur_events.models import VersionState
from murmur_events.validation import ValidationCompleted
from murmur_events.workflows import DataSection, ValidationSection
from murmur_kernel.documents import Kind
from murmur_kernel.unit_of_work import Collection, UnitOfWork


class ValidationStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"


@dataclass(frozen=True, kw_only=True)
class Validation:
    """The newest validation of one version. `job_id` names the request that it answers."""

    model: str
    version: int
    job_id: str
    baseline: int | None
    requested_at: datetime
    status: ValidationStatus = ValidationStatus.QUEUED
    attempt: int = 0
    completed_at: datetime | None = None
    result: ValidationCompleted | None = None

    @property
    def verdict(self) -> str | None:
        return self.result.verdict if self.result else None


@dataclass(frozen=True, kw_only=True)
class WorkflowRules:
    """Projection of workflow.applied, for each revision: a chain is judged by the revision that it began with."""

    workflow: str
    revision: int
    data: DataSection
    validation: ValidationSection


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Projection of model.promoted: the version in production, as of the alias's move `alias_revision`."""

    model: str
    alias_revision: int
    state: VersionState


def validation_id(model: str, version: int) -> str:
    return f"{model}/{version}"


def rules_id(workflow: str, revision: int) -> str:
    return f"{workflow}@{revision}"


VALIDATIONS = Kind(
    "validation",
    Validation,
    key=lambda validation: validation_id(validation.model, validation.version),
    indexes=("model", "status", "verdict", "requested_at"),
)
RULES = Kind("workflow-rules", WorkflowRules, key=lambda rules: rules_id(rules.workflow, rules.revision))
BASELINES = Kind("baseline", Baseline, key=lambda baseline: baseline.model)

KINDS = (VALIDATIONS, RULES, BASELINES)


class ValidatorUnitOfWork(UnitOfWork):
    @property
    def validations(self) -> Collection[Validation]:
        return self.collection(VALIDATIONS)

    @property
    def rules(self) -> Collection[WorkflowRules]:
        return self.collection(RULES)

    @property
    def baselines(self) -> Collection[Baseline]:
        return self.collection(BASELINES)
