"""A request to a model made from what a person has typed, one field a column; and which field an error is about."""

import json
import math
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from murmur_console.domain.deployments import InputColumn


class NotAsked(ValueError):
    """What was typed is no row. `fields`: what is wrong, by column."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {why}" for name, why in fields.items()))
        self.fields = dict(fields)


@dataclass(frozen=True)
class Question:
    """body: of the Open Inference Protocol V2, a tensor of one value for each column."""

    request_id: str
    body: Mapping[str, object]


def question(columns: Sequence[InputColumn], typed: Mapping[str, str], request_id: str) -> Question:
    """An empty field is a missing value. Whether a number is allowed is the model server's to say. Raises NotAsked."""
    values: dict[str, float | None] = {}
    wrong: dict[str, str] = {}
    for column in columns:
        text = typed.get(column.name, "").strip()
        try:
            values[column.name] = _number(text) if text else None
        except ValueError:
            wrong[column.name] = f"{text!r} is no number: write one such as 1200 or 0.25, or leave it empty if missing"
    if wrong:
        raise NotAsked(wrong)
    inputs = [{"name": name, "shape": [1], "datatype": "FP64", "data": [value]} for name, value in values.items()]
    return Question(request_id, {"id": request_id, "inputs": inputs})


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def example(columns: Sequence[InputColumn]) -> dict[str, str]:
    """A row that the schema allows: 0 for amounts, the first known category."""
    return {column.name: text_of(column.categories[0] if column.categories else 0.0) for column in columns}


def text_of(value: float | None) -> str:
    """As people write it, in full: nothing for a missing value."""
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))


def fields_of(complaint: str, columns: Sequence[InputColumn]) -> list[str]:
    """The columns that an error of a model server names: it quotes them behind the word `input`.

    A complaint that lists all columns names those before its colon alone.
    """
    named = re.findall(r"'((?:[^'\\]|\\.)*)'", complaint.partition(":")[0])
    known = {column.name for column in columns}
    return [name for name in named if name in known]


def curl(address: str, deployment: str, asked: Question, *, token: bool) -> str:
    """The same call as a line for a terminal. The token is not in it: it stands in the environment."""
    parts = ["curl", "-s", f"{address}/v2/models/{deployment}/infer", "-H", "Content-Type: application/json"]
    words = [shlex.quote(part) for part in parts]
    if token:
        words += ["-H", '"Authorization: Bearer $MURMUR_TOKEN"']
    return " ".join([*words, "-d", shlex.quote(json.dumps(asked.body))])
