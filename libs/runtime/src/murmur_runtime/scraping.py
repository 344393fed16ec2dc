"""Tells Prometheus where the services of a flock are, in the form of its file-based discovery."""

import json
from collections.abc import Iterable
from typing import Any

from murmur_runtime.home import Home, write_atomically
from murmur_runtime.processes import ProcessSpec
from murmur_runtime.settings import FlockSettings


def targets(settings: FlockSettings, services: Iterable[ProcessSpec]) -> list[dict[str, Any]]:
    """One group a process, labelled with its service and its own name."""
    return [
        {"targets": [f"{settings.host}:{spec.port}"], "labels": {"service": spec.member, "replica": spec.name}}
        for spec in services
    ]


def prepare(settings: FlockSettings, home: Home, services: Iterable[ProcessSpec]) -> None:
    write_atomically(home.scrape_targets, json.dumps(targets(settings, services), indent=1) + "\n")
