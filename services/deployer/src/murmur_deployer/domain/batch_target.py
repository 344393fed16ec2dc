"""Which replica scores the rows of a batch: one that serves the version that the batch is pinned to."""

from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.domain.replicas import Replica


def replica_for(deployment: Deployment, version: int | None) -> Replica | None:
    """The youngest that was proven; None where that version does not serve. version None: whichever does."""
    serving = deployment.serving
    if serving is None or version not in (None, serving.version):
        return None
    return serving.proven[-1] if serving.proven else None


def why_none(deployment: Deployment, version: int | None) -> str:
    """In words, for whoever asked for it."""
    serving = deployment.serving
    if serving is None or not serving.proven:
        return f"nothing of {deployment.name!r} serves yet: wait for model.deployed (murmur events --follow)"
    return (
        f"version {version} of {deployment.name!r} does not serve, version {serving.version} does: ask for that one,"
        f" or for none"
    )
