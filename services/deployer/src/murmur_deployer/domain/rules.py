"""How people want a deployment served: the section `deployment` of its workflow, in the newest revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from murmur_deployer.domain.replicas import Terms


@dataclass(frozen=True, kw_only=True)
class Autoscaling:
    """rate:        requests a second that one replica is meant to take; None: only latency counts
    latency_p99: milliseconds that one request in a hundred may exceed
    idle:        seconds that fewer replicas must have sufficed before one of them leaves
    """

    rate: float | None = None
    latency_p99: float = 100.0
    idle: float = 60.0


@dataclass(frozen=True, kw_only=True)
class QualityRules:
    """How a canary is judged by labels, in the words of `monitoring.quality` too.

    labels:       whether they count where there are some, and whether a step waits for them
    metric:       by which quality is judged
    max_loss:     by so much may the canary be worse
    min_labelled: labels of either version before they are looked at
    confidence:   level of the intervals that come with the windows
    """

    labels: Literal["ignore", "judge", "wait"] = "judge"
    metric: str = "auc"
    max_loss: float = 0.05
    min_labelled: int = 200
    confidence: float = 0.95


@dataclass(frozen=True, kw_only=True)
class CanaryRules:
    """steps:              the canary's shares of the requests, one after the other; then it serves alone. In a step of
                        share 0 it gets a copy of every request, and nobody gets its answers. None: it serves at once
    step_time:          seconds of a step at least
    shadow_time:        the same of a step of share 0
    min_rows:           requests of either version in a step at least
    false_alarm:        probability that an equally good version is rolled back, all steps and looks together
    max_error_increase: by so much may its share of failed requests be larger
    max_latency_factor: by so much may its share of slow requests (beyond the stable version's p95) be multiplied
    max_shift:          so far may the distribution of its outputs be from the stable version's (Kolmogorov's distance)
    deadline:           seconds after which a step that lacks requests or labels is told to people
    """

    steps: tuple[float, ...] = ()
    step_time: float = 60.0
    shadow_time: float = 60.0
    min_rows: int = 200
    false_alarm: float = 0.01
    max_error_increase: float = 0.01
    max_latency_factor: float = 2.0
    max_shift: float = 0.3
    deadline: float = 3600.0
    quality: QualityRules = field(default_factory=QualityRules)


@dataclass(frozen=True, kw_only=True)
class DeploymentRules:
    """replicas:     at least, and without `max_replicas` just so many
    memory:       bytes that a replica may keep resident; None: any number
    rate_limit:   requests a second of one client; None: any number
    timeout:      seconds that the front door waits for an answer
    canary:       how a new version takes the place of the one that serves
    """

    workflow: str
    revision: int = 0
    replicas: int = 1
    max_replicas: int | None = None
    memory: int | None = None
    rate_limit: float | None = None
    timeout: float = 30.0
    terms: Terms = field(default_factory=Terms)
    autoscaling: Autoscaling = field(default_factory=Autoscaling)
    canary: CanaryRules = field(default_factory=CanaryRules)

    @property
    def most(self) -> int:
        return max(self.replicas, self.max_replicas or 0)

    @property
    def automatic(self) -> bool:
        """Whether the number of replicas follows the load."""
        return self.most > self.replicas


def rules_of(deployment: str, rules: Mapping[str, DeploymentRules]) -> DeploymentRules:
    """A deployment is named like its workflow; of one that is not known yet, the defaults."""
    return rules.get(deployment) or DeploymentRules(workflow=deployment)
