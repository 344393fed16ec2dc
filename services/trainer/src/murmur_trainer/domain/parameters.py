"""Whether the values that somebody asks for are ones that a workflow's parameters may have."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from murmur_trainer.domain.asking import NotAskable
from murmur_trainer.domain.training import Parameters

Scalar = bool | int | float | str


@dataclass(frozen=True)
class Between:
    """Numbers, both ends included."""

    least: float
    most: float


Allowed = Mapping[str, tuple[Scalar, ...] | Between]


def check_parameters(asked: Mapping[str, Scalar], *, own: Parameters, allowed: Allowed) -> None:
    """own: those of workflow.yaml, whose kinds bind. Raises NotAskable that names the first value that cannot be.

    A misspelt name must not be ignored, and a value that train.py cannot take must not cost a training to find out.
    """
    for name, value in asked.items():
        if name not in own:
            raise NotAskable(f"{name!r} is not a parameter of this workflow: {_hint(name, own)}")
        if _kind(value) != _kind(own[name]):
            raise NotAskable(f"{name}={value!r} is {_kind(value)}, and {name!r} takes {_kind(own[name])}")
        if isinstance(value, float) and not math.isfinite(value):
            raise NotAskable(f"{name}={value!r} is no number to train with: give a finite one")
        match allowed.get(name):
            case Between(least, most) if not isinstance(value, str) and not least <= value <= most:
                raise NotAskable(f"{name}={value!r} is not allowed: from {least:g} to {most:g} it may be")
            case tuple(values) if value not in values:
                raise NotAskable(f"{name}={value!r} is not allowed: it may be {', '.join(map(repr, values))}")
            case _:
                pass


def _hint(name: str, own: Parameters) -> str:
    close = difflib.get_close_matches(name, own, n=1)
    return f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(own)) or 'none'}"


def _kind(value: Scalar) -> str:
    """A parameter that is written as 5 may be 0.5 as well: JSON and YAML tell numbers apart by how they look."""
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
