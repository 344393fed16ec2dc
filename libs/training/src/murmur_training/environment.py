"""Records what a training ran on, so that another can be run on the same.

Needs nothing beyond Python, so that any interpreter can be asked what it has: `python -P …/environment.py` prints it.
"""

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import distributions
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What was recorded, of this process or of a run of the past; None is what was not. memory: bytes.

    packages: version by normalized name.
    """

    packages: Mapping[str, str] = field(default_factory=dict)
    implementation: str | None = None
    python: str | None = None
    platform: str | None = None
    machine: str | None = None
    processor: str | None = None
    cores: int | None = None
    memory: int | None = None

    @property
    def lock(self) -> str:
        """sha256 over the lines name==version, sorted by name: the same for the same packages."""
        lines = "".join(f"{name}=={version}\n" for name, version in sorted(self.packages.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def interpreter(self) -> str | None:
        return f"{self.implementation} {self.python}" if self.implementation and self.python else None


def environment() -> dict[str, Any]:
    """Interpreter, platform, processor, and every installed distribution with its version. JSON-ready, sorted, no
    secrets.

    The same for the trainer and its workers, which share an interpreter.
    """
    return {
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": _memory(),
        "distributions": dict(sorted({item.metadata["Name"]: item.version for item in distributions()}.items())),
    }


def environment_json() -> bytes:
    """The same bytes for the same environment: fit for a content-addressed store."""
    return json.dumps(environment(), indent=2, sort_keys=True).encode()


def read_environment(text: bytes) -> Environment:
    """What `environment_json` wrote, in this release or an earlier one. Raises ValueError for anything else."""
    try:
        found = json.loads(text)
        packages = {normalized(name): str(version) for name, version in found.get("distributions", {}).items()}
    except (ValueError, AttributeError) as error:
        raise ValueError(f"this is no record of an environment: {error}") from error
    fields = ("implementation", "python", "platform", "machine", "processor", "cores", "memory")
    return Environment(packages=packages, **{name: found.get(name) or None for name in fields})


def as_if(present: bytes, recorded: bytes) -> bytes:
    """The record of this machine with the interpreter and the packages of another record."""
    both = json.loads(present), json.loads(recorded)
    taken = {name: both[1][name] for name in ("python", "implementation", "distributions") if name in both[1]}
    return json.dumps(both[0] | taken, indent=2, sort_keys=True).encode()


def normalized(name: str) -> str:
    """One spelling a distribution, as PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _processor() -> str:
    """The processor's name where Linux tells it, else the little that Python knows."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _memory() -> int | None:
    """Bytes of the machine, where its system tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


if __name__ == "__main__":
    sys.stdout.write(environment_json().decode())
