"""What a run ran on, read from the file in which it was kept, and in what the environments of several runs differ."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from murmur_tracking.domain.comparison import Row

_LISTED = re.compile(r"^[\s-]*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?\s*(===?|=|~=|>=|<=|>|<|!=)\s*([^\s;#]+)")
_BARE = re.compile(r"^[\s-]*([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?\s*(?:[;#].*)?$")
_SEPARATORS = re.compile(r"[-_.]+")
_OF_THE_MACHINE = ("python", "implementation", "platform", "machine", "processor", "cores")
ANY_VERSION = "any"

Environment = Mapping[str, str]
"""Version of each distribution by its normalised name; `python`, `platform` and the like among them."""


@dataclass(frozen=True)
class EnvironmentDifference:
    """same: how many properties are alike in all runs whose environment is known; rows: those that are not."""

    same: int
    rows: tuple[Row, ...]


def read_environment(name: str, text: str) -> Environment:
    """From the trainer's `environment.json`, or a `requirements.txt`, `conda.yaml` or `python_env.yaml` of a client.

    Raises ValueError for JSON that is none.
    """
    return _from_json(text) if name.endswith(".json") else _from_lines(text)


def environment_difference(environments: Sequence[Environment | None]) -> EnvironmentDifference:
    """In the order of the runs; None where a run has kept none, which is no difference."""
    known = [one for one in environments if one is not None]
    names = sorted({name for one in known for name in one})
    differing = [name for name in names if len({one.get(name) for one in known}) > 1]
    rows = (Row(name, tuple(one.get(name) if one is not None else None for one in environments)) for name in differing)
    return EnvironmentDifference(len(names) - len(differing), tuple(rows))


def _from_json(text: str) -> Environment:
    said = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError(f"an environment is a JSON object, not {type(said).__name__}")
    distributions = said.get("distributions")
    found = {_normal(name): str(version) for name, version in (distributions or {}).items()}
    return found | {name: str(said[name]) for name in _OF_THE_MACHINE if said.get(name) is not None}


def _from_lines(text: str) -> Environment:
    found: dict[str, str] = {}
    _, listed, dependencies = text.partition("dependencies:")  # of conda's file; channels stand before
    for line in (dependencies if listed else text).splitlines():
        if match := _LISTED.match(line):
            sign = match[2] if match[2] not in ("=", "==", "===") else ""
            found[_normal(match[1])] = sign + match[3]
        elif (match := _BARE.match(line)) and not line.rstrip().endswith(":"):
            found.setdefault(_normal(match[1]), ANY_VERSION)
    return found


def _normal(name: str) -> str:
    """One name a distribution, as package indexes compare them (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()
