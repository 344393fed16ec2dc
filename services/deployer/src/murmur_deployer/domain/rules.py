"""How people want a deployment served: the section `deployment` of its workflow, in the newest revision."""

from dataclasses import dataclass, field

from murmur_deployer.domain.replicas import Terms


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

    @property
    def most(self) -> int:
        return max(self.replicas, self.max_replicas or 0)
