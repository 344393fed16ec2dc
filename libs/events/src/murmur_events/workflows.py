"""A workflow: everything people say about one model's life, in one file; and the fact that it was applied.

The same types check the `workflow.yaml` that people write and the event that services read: the file with
`model_validate(..., extra="forbid")`, since a misspelt setting must not be ignored; the event as it comes.
"""

import math
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema, field_validator

from murmur_events.base import Event, Value, WorkflowName
from murmur_events.deployment_section import DeploymentSection
from murmur_events.units import Bytes, Duration
from murmur_events.values import Artifact


class DataChecks(Value):
    """What a snapshot must satisfy before anything is trained on it."""

    min_rows: int = Field(default=100, ge=1)
    max_missing: float = Field(default=0.0, ge=0, le=1, description="largest share of missing cells in any column")
    max_duplicates: float = Field(default=0.0, ge=0, le=1, description="largest share of rows that stand twice")
    label_balance: tuple[float, float] = Field(default=(0.01, 0.99), description="allowed share of positive labels")


class DataSection(Value):
    """Where rows come from and what they look like."""

    entry: str = Field(default="data.py", description="a file with `load(as_of, context) -> DataFrame`")
    task: Literal["classification", "regression"] = Field(
        default="classification", description="classification: the target is 0 or 1; regression: any finite number"
    )
    target: str = Field(description="the column to predict")
    features: tuple[str, ...] = Field(min_length=1, description="the model's inputs, in order")
    categories: tuple[str, ...] = Field(default=(), description="those features that are codes, not amounts")
    identity: str = Field(description="a column that names a row for ever: its hash decides who is held out")
    period: str = Field(description="a column that names the period of a row; the last one is the reference window")
    slices: tuple[str, ...] = Field(default=(), description="columns whose groups are judged one by one")
    baselines: tuple[str, ...] = Field(
        default=(),
        description="of a regression: columns with what a simple rule predicts, to be measured beside the model",
    )
    split: Literal["identity", "time"] = Field(
        default="identity", description="who is held out: identities by their hash, or the newest periods"
    )
    holdout: float = Field(
        default=0.25,
        gt=0,
        lt=1,
        description="share never trained on: of identities, or of rows, rounded up to whole periods",
    )
    gap: int = Field(
        default=0,
        ge=0,
        description="with split time: so many periods before the holdout are in neither part, as long as labels take",
    )
    checks: DataChecks = DataChecks()


class Limits(Value):
    """What a training may use before it is ended."""

    time: Duration = Field(default=timedelta(minutes=10), gt=timedelta(0), json_schema_extra={"default": "10m"})
    memory: Bytes = Field(default=2 * 2**30, gt=0)


class Range(Value):
    """The numbers that a parameter may have, both ends included."""

    least: float
    most: float


class Objective(Value):
    """The metric of a run by which a sweep says which run is the best."""

    metric: str = Field(min_length=1, description="one that train.py logs, or that the platform measures")
    goal: Literal["minimize", "maximize"]


class TrainingSection(Value):
    """How a candidate is made."""

    entry: str = Field(default="train.py", description="a file with `train(context) -> Booster`")
    parameters: dict[str, bool | int | float | str] = Field(default_factory=dict)
    allowed: dict[str, tuple[bool | int | float | str, ...] | Range] = Field(
        default_factory=dict,
        description="by parameter: a list of the values it may have, or `{least, most}`; absent: any of its type",
    )
    objective: Objective | None = Field(default=None, description="absent: a sweep must be told one")
    seed: int = 0
    limits: Limits = Limits()


_AMOUNT_OR_FEATURE = WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}]})


class Costs(Value):
    """What one wrong answer costs, in any currency. A right answer costs nothing."""

    false_positive: float = Field(
        ge=0, allow_inf_nan=False, description="of a row that was flagged in vain, such as a phone call"
    )
    false_negative: Annotated[float | str, _AMOUNT_OR_FEATURE] = Field(
        description="of a positive row that was not flagged: an amount, or the feature that holds each row's amount"
    )

    @field_validator("false_negative")
    @classmethod
    def _amount(cls, value: float | str) -> float | str:
        if not isinstance(value, str) and not 0 <= value < math.inf:
            raise ValueError(f"{value!r} is no cost: give an amount of at least 0, or the name of a feature")
        return value


class ValidationSection(Value):
    """What a candidate must show."""

    primary: Literal["auc", "ks", "brier", "log_loss", "average_precision", "cost"] = "auc"
    costs: Costs | None = Field(default=None, description="absent: nobody has said what a wrong answer costs")
    alert_budget: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="share of rows that people can look at: precision and recall among them are measured",
    )
    minimum_auc: float = Field(default=0.5, ge=0, le=1, description="asked of every candidate, baseline or none")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="level of the paired bootstrap interval")
    max_slice_loss: float = Field(default=0.05, ge=0, le=1, description="how much AUC any slice may lose")
    min_slice_rows: int = Field(default=200, ge=10, description="smaller slices are reported as not testable")


class PromotionSection(Value):
    """Who has the last word before production."""

    review: Literal["required", "none"] = "required"
    register_model: bool = Field(
        default=True, description="false: research; runs keep their models, and none becomes a version"
    )


class DriftSection(Value):
    """When a window counts as drifted."""

    p_value: float = Field(default=0.001, gt=0, lt=1, description="family-wise, corrected for the features tested")
    engine: Literal["auto", "alibi", "scipy"] = Field(
        default="auto", description="auto: alibi-detect where it is installed, scipy elsewhere"
    )


class QualitySection(Value):
    """How the predictions are judged once their labels are known."""

    metric: Literal["average_precision", "auc", "log_loss", "brier", "click_through_rate"] = Field(
        default="auc", description="the one that is judged; the others are only shown"
    )
    max_loss: float = Field(
        default=0.05, ge=0, description="how much worse than in its first window with enough labels a version may be"
    )
    min_labelled: int = Field(default=200, ge=20, description="windows with fewer labels are measured, not judged")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="level of the bootstrap interval")
    label_delay: Duration = Field(
        default=timedelta(days=7),
        gt=timedelta(0),
        json_schema_extra={"default": "7d"},
        description="how long after its prediction a label still counts; so long predictions are kept",
    )


class MonitoringSection(Value):
    """What is watched while the model serves, and what happens then."""

    window: Duration = Field(default=timedelta(hours=1), gt=timedelta(0), json_schema_extra={"default": "1h"})
    min_rows: int = Field(default=200, ge=20, description="windows with fewer predictions are measured, not tested")
    drift: DriftSection = DriftSection()
    quality: QualitySection = QualitySection()
    retrain: Literal["on_drift", "on_degradation", "on_either", "never"] = "on_drift"
    cooldown: Duration = Field(
        default=timedelta(0),
        ge=timedelta(0),
        json_schema_extra={"default": "0s"},
        description="shortest time between two trainings by drift or degradation",
    )


class WorkflowDefinition(Value):
    """The whole of `workflow.yaml`."""

    name: WorkflowName = Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")
    description: str = ""
    schedule: str | None = Field(default=None, description="cron, UTC; absent: only by hand, drift or degradation")
    data: DataSection
    training: TrainingSection = TrainingSection()
    validation: ValidationSection = ValidationSection()
    promotion: PromotionSection = PromotionSection()
    deployment: DeploymentSection = DeploymentSection()
    monitoring: MonitoringSection = MonitoringSection()

    @field_validator("schedule")
    @classmethod
    def _five_fields(cls, value: str | None) -> str | None:
        if value is not None and len(value.split()) != 5:
            raise ValueError(f"{value!r} is not a cron expression: it takes five fields, such as '0 0 1 1,4,7,10 *'")
        return value


def workflow_file_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of workflow.yaml, for editors. Unlike the event it refuses settings that nobody knows."""
    schema = WorkflowDefinition.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        if "properties" in part:
            part["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "workflow.yaml"}


class WorkflowApplied(Event):
    """A workflow has a new revision; a file that changes nothing makes none."""

    workflow: WorkflowName
    revision: int = Field(ge=1)
    definition: WorkflowDefinition
    code: Artifact = Field(description="zip of the files beside workflow.yaml")
