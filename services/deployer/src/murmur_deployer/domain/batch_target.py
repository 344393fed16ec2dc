"""Which replica scores the rows of a batch: one that serves the version that the batch is pinned to."""

from murmur_deployer.domain.deployment import Deployment, Replica


def replica_for(deployment: Deployment, version: int | None) -> Replica | None:
    """None where that version does not serve. version None: whichever does."""
    serving = deployment.serving
    return serving if serving is not None and version in (None, serving.version) else None


def why_none(deployment: Deployment, version: int | None) -> str:
    """In words, for whoever asked for it."""
    serving = deployment.serving
    if serving is None:
        return f"nothing of {deployment.name!r} serves yet: wait for model.deployed (murmur events --follow)"
    return (
        f"version {version} of {deployment.name!r} does not serve, version {serving.version} does: ask for that one,"
        f" or for none"
    )
