"""A row typed by a person: the request that it becomes, and the field that an error is about."""

import json
import shlex

import pytest

from murmur_console.domain.asking import NotAsked, curl, example, fields_of, question, text_of
from murmur_console.domain.deployments import InputColumn

COLUMNS = (
    InputColumn(name="amount", dtype="float"),
    InputColumn(name="hour", dtype="integer"),
    InputColumn(name="kind", dtype="category", categories=(2.0, 5.0)),
)


def test_a_row_becomes_a_tensor_a_column_and_an_empty_field_is_missing() -> None:
    asked = question(COLUMNS, {"amount": " 12.5 ", "hour": "", "kind": "2"}, "q-1")
    assert asked.body == {
        "id": "q-1",
        "inputs": [
            {"name": "amount", "shape": [1], "datatype": "FP64", "data": [12.5]},
            {"name": "hour", "shape": [1], "datatype": "FP64", "data": [None]},
            {"name": "kind", "shape": [1], "datatype": "FP64", "data": [2]},
        ],
    }


@pytest.mark.parametrize("typed", ["twelve", "nan", "inf", "1e999", "1,200"])
def test_what_is_no_number_is_said_beside_its_field(typed: str) -> None:
    with pytest.raises(NotAsked) as error:
        question(COLUMNS, {"amount": typed, "hour": "3", "kind": "2"}, "q-1")
    assert list(error.value.fields) == ["amount"]
    assert repr(typed) in error.value.fields["amount"]


def test_an_example_is_what_the_schema_allows() -> None:
    assert example(COLUMNS) == {"amount": "0", "hour": "0", "kind": "2"}


@pytest.mark.parametrize(
    ("complaint", "expected"),
    [
        ("input 'kind' is 9.0 in row 0, a category that training never saw: known are 2, 5", ["kind"]),
        ("input 'hour' is 3.5 in row 0: it takes whole numbers (integer)", ["hour"]),
        ("unknown input 'fee': the model's columns are 'amount', 'hour', 'kind'", []),
        ("input 'amount', 'hour' is missing: send every column of the model", ["amount", "hour"]),
        ("predictions of this flock need a token", []),
    ],
)
def test_an_error_is_about_the_columns_that_it_names(complaint: str, expected: list[str]) -> None:
    assert fields_of(complaint, COLUMNS) == expected


def test_values_are_written_in_full() -> None:
    assert [text_of(value) for value in (None, 3.0, 0.1, 1e300)] == ["", "3", "0.1", "1e+300"]


def test_the_call_can_be_copied_and_holds_no_token() -> None:
    asked = question(COLUMNS, {"amount": "1", "hour": "2", "kind": "5"}, "q'1")
    told = shlex.split(curl("http://127.0.0.1:8000", "fraud", asked, token=False))
    assert told[:3] == ["curl", "-s", "http://127.0.0.1:8000/v2/models/fraud/infer"]
    assert json.loads(told[-1]) == asked.body
    assert '"Authorization: Bearer $MURMUR_TOKEN"' in curl("http://x", "fraud", asked, token=True)
