"""Which replica scores the rows of a batch: one of the version that it is pinned to, which serves or is kept for it."""

from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.replicas import Replica


def replica_for(deployment: Deployment, version: int | None) -> Replica | None:
    """Of a batch that begins: the youngest that was proven; None where that version does not serve. version None:
    whichever does."""
    serving = deployment.serving
    if serving is None or version not in (None, serving.version):
        return None
    return serving.proven[-1] if serving.proven else None


def replica_pinned(deployment: Deployment, version: int) -> Replica | None:
    """Of a batch that has begun: the same, and once another version serves the one that is kept for it."""
    return replica_for(deployment, version) or kept_for(deployment, version)


def kept_for(deployment: Deployment, version: int) -> Replica | None:
    """The youngest of those that retire, where nothing else serves that version any more."""
    if deployment.serving is not None and deployment.serving.version == version:
        return None
    found = [replica for replica in deployment.retiring if replica.version == version and replica.proven]
    return found[-1] if found else None


def why_none(deployment: Deployment, version: int | None) -> str:
    """In words, for whoever asked for it."""
    serving = deployment.serving
    if serving is None or not serving.proven:
        return f"nothing of {deployment.name!r} serves yet: wait for model.deployed (murmur events --follow)"
    return (
        f"version {version} of {deployment.name!r} does not serve, version {serving.version} does: ask for that one,"
        f" or for none"
    )
