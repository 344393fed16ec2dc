"""What the monitor saw."""

from typing import Literal

from pydantic import AwareDatetime, Field

from murmur_events.base import DeploymentName, Event, ModelName, Value, WorkflowName
from murmur_events.values import Interval, Number


class WindowMeasured(Event):
    """The numbers of one window of one deployment. A higher revision replaces a lower one."""

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    start: AwareDatetime
    end: AwareDatetime
    revision: int = Field(ge=1)
    rows: int = Field(ge=0)
    errors: int = Field(ge=0)
    rate: float = Field(ge=0, description="predictions a second")
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    output_mean: float | None
    outcome: Literal["drift", "stable", "too_few_rows", "not_tested"]
    detail: str = Field(default="", description="which columns drifted, or why the window was not tested")
    labelled: int = Field(default=0, ge=0, description="predictions of the window whose label is known by now")
    quality: dict[str, Number] = Field(
        default_factory=dict,
        description="average_precision, auc, log_loss, brier, click_through_rate: those that the labels define",
    )
    quality_interval: Interval | None = Field(
        default=None, description="of the metric that the workflow judges by; absent where it is not defined"
    )
    quality_detail: str = Field(default="", description="how the quality was judged, or why it was not")


class FeatureDrift(Value):
    """One column, compared with the reference window."""

    feature: str
    statistic: float
    p_value: float
    drifted: bool


class DriftDetected(Event):
    """The first bad window of an episode; later bad windows belong to the same episode and say nothing new."""

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    workflow: WorkflowName
    episode: str
    start: AwareDatetime
    end: AwareDatetime
    rows: int = Field(ge=0)
    engine: str = Field(description="the library that computed it, with its version")
    threshold: float = Field(description="p-value after the correction, below which a column counts as drifted")
    features: tuple[FeatureDrift, ...]


class PerformanceDegraded(Event):
    """The first window of an episode in which the model is surely worse than it was, as labels tell.

    The whole interval of the loss against the baseline lies beyond what the workflow allows.
    """

    deployment: DeploymentName
    model: ModelName
    version: int = Field(ge=1)
    workflow: WorkflowName
    episode: str
    start: AwareDatetime
    end: AwareDatetime
    metric: str
    value: Interval
    baseline: Number = Field(description="the metric in the version's first window with enough labels")
    max_loss: float = Field(ge=0)
    labelled: int = Field(ge=0)
    detail: str


class AlertRaised(Event):
    """Something wants a person's attention."""

    alert: str = Field(description="identity: the same alert is raised once until it is resolved")
    about: str = Field(description="the workflow, model or deployment; else the topic or kind of work")
    deployment: DeploymentName | None = Field(default=None, description="where it is about one")
    service: str = Field(default="monitor", description="who noticed")
    severity: Literal["warning", "critical"]
    title: str
    detail: str


class AlertResolved(Event):
    """What raised the alert is over."""

    alert: str
    about: str
    deployment: DeploymentName | None = None
    detail: str
