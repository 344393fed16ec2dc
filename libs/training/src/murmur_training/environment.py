"""Records what a training ran on, so that another can be run on the same."""

import json
import os
import platform
import sys
from importlib.metadata import distributions
from typing import Any


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
        "distributions": dict(sorted({item.metadata["Name"]: item.version for item in distributions()}.items())),
    }


def environment_json() -> bytes:
    """The same bytes for the same environment: fit for a content-addressed store."""
    return json.dumps(environment(), indent=2, sort_keys=True).encode()


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
