"""What a batch may hold, and the tag that a logged model leaves on its run."""

import json
from collections.abc import Mapping
from typing import Any

from murmur_events.runs import Measured
from murmur_mlflow.fields import Fields
from murmur_mlflow.refusals import BadValue
from murmur_tracking.domain.facts import Points
from murmur_tracking.mlflow_api.keys import LONGEST_PARAMETER, LONGEST_TAG, checked_key

_MOST = {"metrics": 1000, "params": 100, "tags": 100}
_MOST_TOGETHER = 1000
_MODELS = "mlflow.log-model.history"
_NEEDED = ("artifact_path", "flavors", "utc_time_created", "run_id")


_Point = tuple[str, float, int, int]
"""Key, value, time and step."""

Subject = tuple[str, str | None, str | None]
"""A logged model whose value it is too, name and digest of the data set on which it was measured."""


def checked_batch(fields: Fields) -> tuple[Points, tuple[Measured, ...], dict[str, str], dict[str, str]]:
    """Points, which of them are of models, parameters and tags. Raises BadValue."""
    said = fields.each("metrics", lambda metric: (_point(metric), subject_of(metric)))
    points = list(dict.fromkeys(point for point, _ in said))
    parameters = fields.each("params", _parameter)
    tags = fields.each("tags", _tag)
    _check_counts(len(said), len(parameters), len(tags))
    keys = [key for key, _ in parameters]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise BadValue(
            f"Duplicate parameter keys have been submitted: {twice}. Please ensure the request contains only one param"
            f" value per param key."
        )
    return points_of(points), measured_of(points, said), dict(parameters), dict(tags)


def measured_of(points: list[_Point], said: list[tuple[_Point, Subject | None]]) -> tuple[Measured, ...]:
    """By model and data set."""
    if all(subject is None for _, subject in said):
        return ()
    at = {point: place for place, point in enumerate(points)}
    places: dict[Subject, dict[int, None]] = {}
    for point, subject in said:
        if subject is not None:
            places.setdefault(subject, {})[at[point]] = None
    return tuple(
        Measured(model_id=model, dataset_name=name, dataset_digest=digest, places=tuple(found))
        for (model, name, digest), found in places.items()
    )


def subject_of(fields: Fields) -> Subject | None:
    """None for what is of a run alone. Raises BadValue."""
    model = fields.text("model_id")
    return (model, fields.text("dataset_name") or None, fields.text("dataset_digest") or None) if model else None


def points_of(once: list[_Point]) -> Points:
    places = {name: place for place, name in enumerate(dict.fromkeys(point[0] for point in once))}
    return Points(
        names=tuple(places),
        name=tuple(places[point[0]] for point in once),
        step=tuple(point[3] for point in once),
        time=tuple(point[2] for point in once),
        value=tuple(point[1] for point in once),
    )


def point_of(fields: Fields, key: str) -> tuple[float, int, int]:
    """Value, time and step. Raises BadValue."""
    value = fields.number("value")
    time = fields.integer("timestamp")
    step = fields.integer("step", 0)
    if time < 0:
        raise BadValue(
            f"Invalid value {time} for parameter '{fields.place_of('timestamp')}' supplied: metric '{key}'"
            f" (value={value}). Timestamp must be a nonnegative long (64-bit integer) "
        )
    return value, time, step


def logged_model_tag(tags: Mapping[str, str], model: str) -> dict[str, str]:
    """The tag that lists the models of a run, with one more. Raises BadValue."""
    try:
        said = json.loads(model)
    except ValueError:
        raise BadValue(f"Malformed model info. \n {model} \n is not a valid JSON.") from None
    missing = {name for name in _NEEDED if not isinstance(said, dict) or name not in said}
    if missing:
        raise BadValue(f"Model json is missing mandatory fields: {missing}")
    return {_MODELS: json.dumps([*json.loads(tags.get(_MODELS, "[]")), _without_config(said)])}


def _without_config(model: dict[str, Any]) -> dict[str, Any]:
    flavors = {
        name: {key: value for key, value in flavor.items() if key != "config"} if isinstance(flavor, dict) else flavor
        for name, flavor in model["flavors"].items()
    }
    return {**model, "flavors": flavors}


def _point(fields: Fields) -> _Point:
    key = checked_key(fields, "Metric name", fields.place_of("name"))
    return key, *point_of(fields, key)


def _parameter(fields: Fields) -> tuple[str, str]:
    return checked_key(fields, "Param key"), fields.text("value")[:LONGEST_PARAMETER]


def _tag(fields: Fields) -> tuple[str, str]:
    return checked_key(fields, fields.place_of("key")), fields.text("value")[:LONGEST_TAG]


def _check_counts(metrics: int, params: int, tags: int) -> None:
    for what, count, most in (
        ("metrics", metrics, _MOST["metrics"]),
        ("params", params, _MOST["params"]),
        ("tags", tags, _MOST["tags"]),
        ("metrics, params, and tags", metrics + params + tags, _MOST_TOGETHER),
    ):
        if count > most:
            raise BadValue(
                f"A batch logging request can contain at most {most} {what}. Got {count} {what}. Please split up {what}"
                f" across multiple requests and try again."
            )
