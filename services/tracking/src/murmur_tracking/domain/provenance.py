"""What a run was made of and ran on, in the words in which runs are laid side by side."""

from collections.abc import Mapping

from murmur_tracking.domain.facts import Hardware, Provenance, Scalar, Source

_TAGS = {
    "commit": "mlflow.source.git.commit",
    "repository": "mlflow.source.git.repoURL",
    "branch": "mlflow.source.git.branch",
    "source": "mlflow.source.name",
}
"""What clients say of their code by tags."""

CLEAN = "none"


def told_by(provenance: Provenance) -> dict[str, Scalar]:
    """Of a run of the trainer. What was not recorded is left out."""
    found: dict[str, Scalar | None] = {
        **_source(provenance.source),
        "code": provenance.code.sha256,
        "environment": provenance.environment.sha256,
        "lock": provenance.lock,
        "python": provenance.interpreter,
        "platform": provenance.platform,
        "seed": provenance.seed,
        **_hardware(provenance.hardware),
    }
    return {name: value for name, value in found.items() if value is not None}


def told_in(tags: Mapping[str, str]) -> dict[str, Scalar]:
    """Of a run of a client."""
    return {name: tags[tag] for name, tag in _TAGS.items() if tag in tags}


def _source(source: Source | None) -> dict[str, Scalar | None]:
    if source is None:
        return {}
    changes = source.diff.sha256 if source.diff else "not kept"
    return {"commit": source.commit, "uncommitted changes": changes if source.dirty else CLEAN}


def _hardware(hardware: Hardware | None) -> dict[str, Scalar | None]:
    if hardware is None:
        return {}
    return {
        "processor": hardware.processor,
        "machine": hardware.machine,
        "cores": hardware.cores,
        "memory (bytes)": hardware.memory,
        "threads": hardware.threads,
    }
