"""Checks the settings of a workflow file one by one against the types of the contract."""

import difflib
from collections.abc import Iterable
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from murmur_events.workflows import WorkflowDefinition
from murmur_trainer.workflow_file.tree import Path, Plain, Tree, dotted

_EXPECTED = {
    "string_type": "text: put quotes around what looks like a number, a date, yes or no",
    "string_pattern_mismatch": "small letters, digits and dashes, beginning with a letter, at most 63",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "tuple_type": "a list, as in [a, b]",
    "dict_type": "`name: value` pairs",
    "model_type": "`name: value` pairs",
    "too_short": "a list with something in it",
}
"""By pydantic's error type; where its own sentence is as good, it is used."""


def check_settings(tree: Tree) -> WorkflowDefinition | None:
    """The definition, or None: then each setting that does not fit has become a mistake of the tree."""
    try:
        return WorkflowDefinition.model_validate(tree.data, extra="forbid")
    except ValidationError as error:
        for path, errors in _by_path(tree, error.errors(include_url=False)).items():
            _note(tree, path, errors)
        return None


def _by_path(tree: Tree, errors: Iterable[ErrorDetails]) -> dict[Path, list[ErrorDetails]]:
    """A value that may be of several types has an error for each, behind its path: they are one mistake."""
    found: dict[Path, list[ErrorDetails]] = {}
    for error in errors:
        path: Path = error["loc"]
        if error["type"] != "missing":
            while path and path not in tree.values:
                path = path[:-1]
        found.setdefault(path, []).append(error)
    return found


def _note(tree: Tree, path: Path, errors: list[ErrorDetails]) -> None:
    error, parent, last = errors[0], path[:-1], path[-1] if path else ""
    match error["type"]:
        case "missing" if isinstance(last, str):
            tree.mistake(tree.key_place(parent), f"{_section(parent)} lacks {last!r}", f"`{last}:`{_described(path)}")
        case "missing":
            tree.mistake(tree.place(parent), f"{dotted(parent)} has too few items", "one item more")
        case "extra_forbidden":
            tree.mistake(tree.key_place(path), f"{last!r} is not a setting of {_section(parent)}", _nearest(path))
        case "value_error":
            message, _, expected = error["msg"].removeprefix("Value error, ").partition(": ")
            tree.mistake(tree.place(path), f"{dotted(path)}: {message}", expected)
        case _ if not tree.has_mistake_at(tree.place(path)):
            expected = _sentence(error) if len(errors) == 1 else "true or false, a number, or text"
            tree.mistake(tree.place(path), f"{dotted(path)} is {shown(tree.get(*path))}", expected + _described(path))


def _sentence(error: ErrorDetails) -> str:
    said = error["msg"].removeprefix("Input should be ")
    return _EXPECTED.get(error["type"], said[:1].lower() + said[1:])


def _section(path: Path) -> str:
    return repr(dotted(path)) if path else "a workflow"


def _nearest(path: Path) -> str:
    model = _model_at(path[:-1])
    names = list(model.model_fields) if model else []
    close = difflib.get_close_matches(str(path[-1]), names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else "one of " + ", ".join(names)


def _described(path: Path) -> str:
    """What the contract says about a setting."""
    field = _field_at(path)
    return f" ({field.description})" if field and field.description else ""


def _field_at(path: Path) -> FieldInfo | None:
    if not path or not isinstance(path[-1], str):
        return None
    model = _model_at(path[:-1])
    return model.model_fields.get(path[-1]) if model else None


def _model_at(path: Path) -> type[BaseModel] | None:
    model: type[BaseModel] = WorkflowDefinition
    for part in path:
        field = model.model_fields.get(str(part))
        kinds = (field.annotation, *get_args(field.annotation)) if field else ()
        inner = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if inner is None:
            return None
        model = inner
    return model


def shown(value: Plain) -> str:
    """A value as a message shows it."""
    match value:
        case None:
            return "empty"
        case dict():
            return "a mapping"
        case list():
            return "a list" if value else "an empty list"
        case _:
            text = repr(value) if isinstance(value, str | int | float) else str(value)
            return text if len(text) <= 60 else text[:59] + "…"
