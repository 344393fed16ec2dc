"""What a promotion means for the deployment that is there."""

from dataclasses import dataclass

from murmur_deployer.domain.deployment import Deployment, Target


@dataclass(frozen=True)
class RollOut:
    """It is the newest: make it serve."""

    deployment: Deployment


@dataclass(frozen=True)
class Superseded:
    """A newer promotion is already known: the target of the deployment as it is."""

    deployment: Deployment


def superseded(by: Target) -> str:
    """In words, for whoever asked for the older one."""
    return f"version {by.version} was promoted later (alias revision {by.alias_revision})"


@dataclass(frozen=True)
class AlreadyServes:
    """It is the newest, and what it names serves: the registry has taken the alias back to it."""

    deployment: Deployment


@dataclass(frozen=True)
class AlreadyKnown:
    """This very promotion was accepted before."""


def decide(
    name: str, current: Deployment | None, target: Target
) -> RollOut | AlreadyServes | Superseded | AlreadyKnown:
    """The newest promotion wins, whatever the order in which they arrive."""
    if current is None:
        return RollOut(Deployment(name, target))
    if target.alias_revision == current.target.alias_revision:
        return AlreadyKnown()
    if target.alias_revision < current.target.alias_revision:
        return Superseded(current)
    if current.serving is not None and current.serving.version == target.version:
        return AlreadyServes(current.aiming_at(target))
    return RollOut(current.aiming_at(target))
