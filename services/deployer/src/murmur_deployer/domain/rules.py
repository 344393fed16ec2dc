"""How people want a deployment served: the section `deployment` of its workflow, in the newest revision."""

from dataclasses import dataclass, field

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
class DeploymentRules:
    """replicas:     at least, and without `max_replicas` just so many
    memory:       bytes that a replica may keep resident; None: any number
    rate_limit:   requests a second of one client; None: any number
    timeout:      seconds that the front door waits for an answer
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

    @property
    def most(self) -> int:
        return max(self.replicas, self.max_replicas or 0)

    @property
    def automatic(self) -> bool:
        """Whether the number of replicas follows the load."""
        return self.most > self.replicas
