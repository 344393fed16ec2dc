"""`workflow.yaml` as a type: what people may write, what it means, and what is said when they may not."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from murmur_events.workflows import Bytes, Duration, WorkflowDefinition

DURATIONS: TypeAdapter[timedelta] = TypeAdapter(Duration)
SIZES: TypeAdapter[int] = TypeAdapter(Bytes)

SMALLEST: dict[str, Any] = {
    "name": "credit",
    "data": {"target": "default", "features": ["AGE"], "identity": "ID", "period": "quarter"},
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The smallest definition with one field set: `data.checks.min_rows`."""
    *sections, field = path.split(".")
    definition = SMALLEST | {"data": dict(SMALLEST["data"])}
    owner = definition
    for section in sections:
        owner = owner.setdefault(section, {})
    owner[field] = value
    return definition


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("90s", timedelta(seconds=90)),
        ("10m", timedelta(minutes=10)),
        ("1h", timedelta(hours=1)),
        ("1.5h", timedelta(minutes=90)),
        ("30d", timedelta(days=30)),
        ("30 d", timedelta(days=30)),
        ("0s", timedelta(0)),
        (timedelta(minutes=3), timedelta(minutes=3)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(written: object, meant: timedelta) -> None:
    assert DURATIONS.validate_python(written) == meant


@pytest.mark.parametrize("written", ["", "10", 10, "ten minutes", "10 M", "-5m", "5m30s", "1w", None, "1e3s", ".5s"])
def test_what_is_no_duration_is_quoted_with_an_example(written: object) -> None:
    with pytest.raises(ValidationError) as refused:
        DURATIONS.validate_python(written)
    assert f"{written!r} is not a duration" in str(refused.value)
    assert "such as 90s, 10m, 1h or 1d" in str(refused.value)


@pytest.mark.parametrize(("adapter", "written"), [(DURATIONS, "99999999999d"), (SIZES, "9" * 400 + "GiB")])
def test_an_amount_beyond_all_reason_is_a_mistake_like_any_other(adapter: TypeAdapter[object], written: str) -> None:
    with pytest.raises(ValidationError):
        adapter.validate_python(written)


@pytest.mark.parametrize(
    "duration",
    [
        timedelta(0),
        timedelta(microseconds=500),
        timedelta(milliseconds=1),
        timedelta(seconds=90),
        timedelta(days=30),
        timedelta(days=3650),
    ],
)
def test_a_duration_comes_back_as_it_went(duration: timedelta) -> None:
    assert DURATIONS.validate_json(DURATIONS.dump_json(duration)) == duration


@pytest.mark.parametrize(
    ("written", "meant"),
    [("512KiB", 512 * 2**10), ("2GiB", 2 * 2**30), ("1.5 MiB", 3 * 2**19), (4096, 4096)],
)
def test_a_size_is_a_number_and_a_unit_or_bytes(written: object, meant: int) -> None:
    assert SIZES.validate_python(written) == meant


@pytest.mark.parametrize("written", ["", "2GB", "2 gib", "lots", True, None, "-1MiB", "512"])
def test_what_is_no_size_is_quoted_with_an_example(written: object) -> None:
    with pytest.raises(ValidationError) as refused:
        SIZES.validate_python(written)
    assert f"{written!r} is not a size" in str(refused.value)
    assert "such as 512MiB or 2GiB" in str(refused.value)


def test_the_smallest_definition_has_sensible_defaults() -> None:
    definition = WorkflowDefinition.model_validate(SMALLEST)
    assert definition.schedule is None
    assert definition.promotion.review == "required"
    assert definition.monitoring.retrain == "on_drift"
    assert definition.training.limits.time == timedelta(minutes=10)
    assert definition.training.limits.memory == 2 * 2**30
    assert (definition.data.entry, definition.training.entry) == ("data.py", "train.py")


def test_a_definition_comes_back_as_it_went() -> None:
    written = changed("monitoring.cooldown", "30d") | {"schedule": "0 0 1 1,4,7,10 *"}
    definition = WorkflowDefinition.model_validate(written)
    assert WorkflowDefinition.model_validate_json(definition.model_dump_json()) == definition


def test_a_file_with_a_misspelt_setting_is_refused_where_an_event_is_read() -> None:
    """The same type reads the file strictly, and the event of a newer publisher leniently."""
    written = changed("training.sede", 7)
    assert WorkflowDefinition.model_validate(written).training.seed == 0
    with pytest.raises(ValidationError) as refused:
        WorkflowDefinition.model_validate(written, extra="forbid")
    assert [error["loc"] for error in refused.value.errors()] == [("training", "sede")]


@pytest.mark.parametrize("name", ["", "Credit", "1credit", "credit_card", "credit/", "a" * 64])
def test_a_name_that_could_not_be_part_of_an_address_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        WorkflowDefinition.model_validate(SMALLEST | {"name": name})


@pytest.mark.parametrize("name", ["c", "credit", "credit-2", "a" * 63])
def test_a_name_of_small_letters_digits_and_hyphens_is_fine(name: str) -> None:
    assert WorkflowDefinition.model_validate(SMALLEST | {"name": name}).name == name


@pytest.mark.parametrize("cron", ["", "daily", "0 0 1 *", "0 0 1 1,4 * *"])
def test_a_schedule_has_five_fields(cron: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WorkflowDefinition.model_validate(SMALLEST | {"schedule": cron})
    assert f"{cron!r} is not a cron expression: it takes five fields" in str(refused.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data.features", []),
        ("data.holdout", 0),
        ("data.holdout", 1),
        ("data.checks.min_rows", 0),
        ("data.checks.max_missing", 1.1),
        ("data.checks.max_duplicates", -0.1),
        ("data.checks.label_balance", [0.1]),
        ("training.limits.time", "soon"),
        ("training.limits.memory", "2GB"),
        ("validation.primary", "accuracy"),
        ("validation.minimum_auc", 1.5),
        ("validation.confidence", 0.5),
        ("validation.confidence", 1),
        ("validation.max_slice_loss", -0.01),
        ("validation.min_slice_rows", 9),
        ("promotion.review", "optional"),
        ("deployment.replicas", 0),
        ("deployment.replicas", 33),
        ("deployment.max_replicas", 0),
        ("deployment.strategy", "blue-green"),
        ("deployment.canary.steps", []),
        ("deployment.canary.steps", [0.5, 1.0]),
        ("deployment.canary.false_alarm", 0),
        ("deployment.canary.min_rows", 0),
        ("deployment.canary.max_latency_factor", 0.9),
        ("deployment.shadow", "0s"),
        ("deployment.autoscaling.rate", 0),
        ("deployment.autoscaling.idle", "1s"),
        ("deployment.limits.memory", "2GB"),
        ("deployment.limits.nice", 20),
        ("deployment.log", 1.1),
        ("deployment.rate_limit", 0),
        ("deployment.timeout", "0s"),
        ("monitoring.window", "hourly"),
        ("monitoring.min_rows", 19),
        ("monitoring.drift.p_value", 0),
        ("monitoring.drift.p_value", 1),
        ("monitoring.drift.engine", "evidently"),
        ("monitoring.retrain", "sometimes"),
    ],
)
def test_a_setting_out_of_its_range_is_refused_at_its_place(path: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        WorkflowDefinition.model_validate(changed(path, value))
    places = {".".join(str(part) for part in error["loc"] if isinstance(part, str)) for error in refused.value.errors()}
    assert places == {path}
