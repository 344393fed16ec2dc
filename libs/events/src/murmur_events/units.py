"""Durations and sizes as people write them in a file: a number and a unit."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIZES = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", str(value))
    if match is None:
        raise ValueError(f"{value!r} is not a duration: write a number and a unit, such as 90s, 10m, 1h or 1d")
    try:
        return timedelta(seconds=float(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise ValueError(f"{value!r} is too long for a duration: at most 1000000d") from None


def _duration_text(value: timedelta) -> str:
    return f"{value.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"


def _size(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB)", str(value))
    if match is None:
        raise ValueError(f"{value!r} is not a size: write a number and a unit, such as 512MiB or 2GiB")
    try:
        return int(float(match[1]) * _SIZES[match[2]])
    except OverflowError:
        raise ValueError(f"{str(value)[:20]}… is too large for a size") from None


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(_duration_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h|d)$", "examples": ["90s", "10m", "1d"]}),
]
Bytes = Annotated[
    int,
    BeforeValidator(_size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "exclusiveMinimum": 0},
                {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(KiB|MiB|GiB)$"},
            ]
        }
    ),
]
