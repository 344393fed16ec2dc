"""What a call says, field by field: both spellings, and the words in which each mistake is refused."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from murmur_mlflow.fields import Fields
from murmur_mlflow.reading import asked, parsed
from murmur_mlflow.refusals import BadValue

TAIL = " See the API docs for more information about request parameters."


def test_both_spellings_of_a_field_are_one_field() -> None:
    assert Fields({"run_id": "a"}).required("run_id") == "a"
    assert Fields({"runId": "a"}).required("run_id") == "a"
    assert Fields({"runId": "a", "run_id": None}).required("run_id") == "a"
    with pytest.raises(BadValue, match="specifies both 'run_id' and 'runId'; provide only one of them"):
        Fields({"runId": "a", "run_id": "a"}).required("run_id")


@pytest.mark.parametrize("said", [{}, {"name": None}, {"name": ""}])
def test_a_text_that_must_be_there_is_missed(said: dict[str, Any]) -> None:
    with pytest.raises(BadValue) as refused:
        Fields(said).required("name")
    assert str(refused.value) == f"Missing value for required parameter 'name'.{TAIL}"
    assert Fields(said).text("name") == ""
    assert Fields(said).optional("name") == (said.get("name"))


@pytest.mark.parametrize(
    ("read", "value", "shown", "kind"),
    [
        (lambda fields: fields.text("f"), 5, "5", "int"),
        (lambda fields: fields.required("f"), {"b": 1, "a": 2}, '{"a":2,"b":1}', "dict"),
        (lambda fields: fields.texts("f"), [1], "[1]", "list"),
        (lambda fields: fields.texts("f"), "a", '"a"', "str"),
        (lambda fields: fields.integer("f"), "foo", '"foo"', "str"),
        (lambda fields: fields.integer("f"), 1.5, "1.5", "float"),
        (lambda fields: fields.integer("f"), True, "true", "bool"),
        (lambda fields: fields.integer("f"), 2**63, str(2**63), "int"),
        (lambda fields: fields.integer("f", most=1000), "1001", '"1001"', "str"),
        (lambda fields: fields.number("f"), True, "true", "bool"),
        (lambda fields: fields.number("f"), "much", '"much"', "str"),
        (lambda fields: fields.boolean("f"), 1, "1", "int"),
        (lambda fields: fields.each("f", lambda one: one), ["a"], '["a"]', "list"),
        (lambda fields: fields.inner("f"), "a", '"a"', "str"),
    ],
)
def test_a_value_of_another_kind_is_shown(
    read: Callable[[Fields], object], value: object, shown: str, kind: str
) -> None:
    with pytest.raises(BadValue) as refused:
        read(Fields({"f": value}))
    assert str(refused.value) == (
        f"Invalid value {shown} for parameter 'f' supplied:  Hint: Value was of type '{kind}'.{TAIL}"
    )


def test_values_are_taken_in_every_form_that_clients_send() -> None:
    fields = Fields({"i": "-3", "whole": 4.0, "nan": "NaN", "down": "-Infinity", "n": "1e3", "yes": "TRUE"})
    assert (fields.integer("i"), fields.integer("whole"), fields.integer("none", 7)) == (-3, 4, 7)
    assert fields.integer("i", most=-3) == -3
    assert math.isnan(fields.number("nan"))
    assert (fields.number("down"), fields.number("n")) == (-math.inf, 1000.0)
    assert (fields.boolean("yes"), fields.boolean("none", default=True)) == (True, True)
    assert (Fields({"one": "a"}, of_query=True).texts("one"), fields.texts("none")) == (["a"], [])
    with pytest.raises(BadValue, match="Invalid boolean value: perhaps, must be 'true' or 'false'"):
        Fields({"yes": "perhaps"}).boolean("yes")


def test_a_mistake_within_a_list_says_its_place() -> None:
    fields = Fields({"tags": [{"key": "a", "value": "1"}, {"value": "2"}]})
    with pytest.raises(BadValue, match=r"required parameter 'tags\[1\]\.key'"):
        fields.each("tags", lambda tag: (tag.required("key"), tag.text("value")))
    with pytest.raises(BadValue, match=r"'tags\[0\]\.value' exceeds the maximum length of 3 characters"):
        Fields({"tags": [{"value": "1234"}]}).each("tags", lambda tag: tag.within("value", 3))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": 1}', {"a": 1}),
        (json.dumps('{"a": 1}').encode(), {"a": 1}),
        (b"", {}),
        (b'{"a": ', {}),
        (b"[1]", {}),
        (b"\xff", {}),
        (b'{"up": Infinity}', {"up": math.inf}),
    ],
)
def test_a_body_says_what_it_can(body: bytes, said: dict[str, Any]) -> None:
    assert parsed(body) == said


def test_a_bare_nan_is_what_it_says() -> None:
    assert math.isnan(parsed(b'{"value": NaN}')["value"])


def test_a_name_that_stands_several_times_in_a_query_has_a_list() -> None:
    assert asked([("a", "1"), ("b", "2"), ("a", "3"), ("a", "4")]) == {"a": ["1", "3", "4"], "b": "2"}
