"""What the monitor keeps, and the unit of work that it keeps it with."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from murmur_events.values import Artifact
from murmur_kernel.documents import Kind
from murmur_kernel.unit_of_work import Collection, UnitOfWork
from murmur_monitor.domain.alerts import Alert
from murmur_monitor.domain.degradation import Baseline, Degradation, Limits
from murmur_monitor.domain.episodes import Drift, Watch
from murmur_monitor.domain.measured import MeasuredWindow
from murmur_monitor.domain.quality import MetricName
from murmur_monitor.domain.windows import Calendar


@dataclass(frozen=True)
class QualityRules:
    """What a workflow says about labels. The defaults are those of workflow.yaml."""

    metric: MetricName = "auc"
    max_loss: float = 0.05
    min_labelled: int = 200
    confidence: float = 0.95
    label_delay: timedelta = timedelta(days=7)

    @property
    def limits(self) -> Limits:
        return Limits(self.metric, self.max_loss, self.min_labelled, self.confidence)


@dataclass(frozen=True)
class WorkflowRules:
    """What a workflow says about being watched."""

    workflow: str
    revision: int
    calendar: Calendar
    min_rows: int
    error_rate: float
    engine: Literal["auto", "alibi", "scipy"]
    quality: QualityRules = QualityRules()


@dataclass(frozen=True)
class KnownVersion:
    """A version that was announced once, and what its windows are compared with.

    baseline: what its quality is compared with, once enough labels are known
    """

    deployment: str
    version: int
    workflow: str
    reference: Artifact
    columns: tuple[str, ...]
    categories: tuple[str, ...]
    baseline: Baseline | None = None

    @property
    def id(self) -> str:
        return version_id(self.deployment, self.version)


@dataclass(frozen=True)
class Told:
    """What the deployer has last told of a deployment: the newest version that serves, and its place in its history.

    Saved with every roll-out that is heard of, failed ones too: of two that come at once, the second sees the first.
    """

    deployment: str
    version: int = 0
    sequence: int = 0


def version_id(deployment: str, version: int) -> str:
    return f"{deployment}/{version}"


class _Watches(Kind[Watch]):
    """Reads what an older release wrote too, which kept the standing with drift flat."""

    def load(self, body: str) -> Watch:
        if '"drift":' not in body:
            kept = json.loads(body)
            body = json.dumps(kept | {"drift": {name: kept.get(name) for name in ("judged", "episode")}})
        return super().load(body)


RULES = Kind("workflow", WorkflowRules, key=lambda rules: rules.workflow)
WATCHES = _Watches("deployment", Watch, key=lambda watch: watch.deployment, indexes=("deployment",))
VERSIONS = Kind("version", KnownVersion, key=lambda version: version.id)
WINDOWS = Kind("window", MeasuredWindow, key=lambda window: window.id, indexes=("deployment", "outcome", "start"))
EPISODES = Kind("episode", Drift, key=lambda episode: episode.id, indexes=("deployment", "status", "opened_at"))
DEGRADATIONS = Kind(
    "degradation", Degradation, key=lambda episode: episode.id, indexes=("deployment", "status", "opened_at")
)
TOLD = Kind("told", Told, key=lambda told: told.deployment)
ALERTS = Kind("alert", Alert, key=lambda alert: alert.id, indexes=("deployment", "status", "raised_at"))

KINDS = (RULES, WATCHES, VERSIONS, WINDOWS, EPISODES, DEGRADATIONS, ALERTS, TOLD)


class MonitorUnitOfWork(UnitOfWork):
    @property
    def rules(self) -> Collection[WorkflowRules]:
        return self.collection(RULES)

    @property
    def watches(self) -> Collection[Watch]:
        return self.collection(WATCHES)

    @property
    def versions(self) -> Collection[KnownVersion]:
        return self.collection(VERSIONS)

    @property
    def windows(self) -> Collection[MeasuredWindow]:
        return self.collection(WINDOWS)

    @property
    def episodes(self) -> Collection[Drift]:
        return self.collection(EPISODES)

    @property
    def degradations(self) -> Collection[Degradation]:
        return self.collection(DEGRADATIONS)

    @property
    def told(self) -> Collection[Told]:
        return self.collection(TOLD)

    @property
    def alerts(self) -> Collection[Alert]:
        return self.collection(ALERTS)
