"""Reads YAML into a tree, and says where text is not YAML, or more of YAML than a workflow may use."""

from collections.abc import Iterator
from math import isfinite
from typing import Protocol

import yaml

from murmur_trainer.workflow_file.tree import Path, Place, Plain, Tree

MAX_CHARACTERS = 200_000
MAX_DEPTH = 20


class Mark(Protocol):
    """A position as PyYAML gives it, in either of its two implementations: counted from 0."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


def read_tree(text: str) -> Tree:
    """The tree of a text. What YAML cannot read, and what this format does not allow, stands in its `mistakes`."""
    tree = Tree(text.splitlines())
    if len(text) > MAX_CHARACTERS:
        tree.mistake(Place(1, 1), f"the file has {len(text):,} characters", f"at most {MAX_CHARACTERS:,}")
        return tree
    try:
        if not _readable(tree, text):
            return tree
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        _unreadable(tree, error)
    except yaml.reader.ReaderError as error:
        _unprintable(tree, text, error)
    else:
        if node is None:
            tree.mistake(Place(1, 1), "the file is empty", "a workflow: `murmur init <name>` writes one to start from")
        elif not isinstance(node, yaml.MappingNode):
            tree.mistake(_place(node.start_mark), "this is not a workflow", "`name: value` pairs")
        else:
            tree.data = _plain(tree, node, ())
    return tree


def _readable(tree: Tree, text: str) -> bool:
    """Aliases can make a small text huge and a deep one exhausts the stack: both are refused before composing."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            tree.mistake(
                _place(event.start_mark), f"'*{event.anchor}' is an alias", "the value itself, or quotes around it"
            )
            return False
        if depth > MAX_DEPTH:
            tree.mistake(_place(event.start_mark), "this is nested too deeply", f"at most {MAX_DEPTH} levels")
            return False
    return True


def _plain(tree: Tree, node: yaml.Node, path: Path) -> Plain:
    tree.values[path] = _place(node.start_mark)
    match node:
        case yaml.MappingNode():
            return _mapping(tree, node, path)
        case yaml.SequenceNode():
            return [_plain(tree, item, (*path, index)) for index, item in enumerate(node.value)]
        case _:
            return _scalar(tree, node, path)


def _mapping(tree: Tree, node: yaml.MappingNode, path: Path) -> dict[str, Plain]:
    found: dict[str, Plain] = {}
    for name, value in _named(tree, node):
        inner = (*path, name)
        place = _place(value[0].start_mark)
        if name in found:
            first = tree.keys[inner]
            tree.mistake(place, f"{name!r} stands twice: first in line {first.line}", "each setting once")
            continue
        tree.keys[inner] = place
        found[name] = _plain(tree, value[1], inner)
    return found


def _named(tree: Tree, node: yaml.MappingNode) -> Iterator[tuple[str, tuple[yaml.Node, yaml.Node]]]:
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            yield key.value, (key, value)
        else:
            tree.mistake(_place(key.start_mark), "a list or a mapping stands where a name must stand", "a plain name")


def _scalar(tree: Tree, node: yaml.Node, path: Path) -> Plain:
    try:
        value: Plain = yaml.constructor.SafeConstructor().construct_object(node)
    except (yaml.MarkedYAMLError, ValueError):
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        tree.mistake(
            tree.values[path], f"{node.value!r} cannot be read as {kind}", "plain text, a number, true or false"
        )
        return None
    if isinstance(value, float) and not isfinite(value):
        tree.mistake(tree.values[path], f"{node.value!r} is not a finite number", "a finite number")
        return None
    return value


def _unreadable(tree: Tree, error: yaml.MarkedYAMLError) -> None:
    mark = error.context_mark if _is_star(error) else error.problem_mark or error.context_mark
    place = _place(mark)
    if place.line > len(tree.lines):
        place = Place(max(len(tree.lines), 1), len(tree.lines[-1]) + 1 if tree.lines else 1)
    said = ", ".join(part for part in (error.problem, error.context) if part)
    tree.mistake(place, f"this is not YAML: {said or 'it cannot be read'}", _advice(error))


def _advice(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if _is_star(error):
        return "quotes around a value that begins with '*', as in schedule: '*/5 * * * *'"
    if "'\\t'" in problem:
        return "spaces, not tabs"
    if "mapping values are not allowed" in problem:
        return "one `name: value` a line; quotes around a value that contains ': '"
    return "`name: value` pairs, indented by spaces; lists as [a, b] or one `- item` a line"


def _is_star(error: yaml.MarkedYAMLError) -> bool:
    return error.context == "while scanning an alias"


def _unprintable(tree: Tree, text: str, error: yaml.reader.ReaderError) -> None:
    before = text[: error.position].splitlines(keepends=True) or [""]
    fresh = before[-1].endswith("\n")
    place = Place(len(before) + fresh, 1 if fresh else len(before[-1]) + 1)
    tree.mistake(
        place,
        f"the character U+{ord(text[error.position]):04X} must not stand in YAML",
        "text without control characters",
    )


def _place(mark: Mark | None) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(1, 1)
