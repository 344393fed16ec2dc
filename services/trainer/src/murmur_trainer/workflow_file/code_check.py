"""Checks the Python files beside a workflow file without running them: they parse, and define what is called."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from murmur_trainer.workflow_file.mistakes import DEFINITION, Mistake, line_of
from murmur_trainer.workflow_file.tree import Tree

MAX_FILES = 200
MAX_CHARACTERS = 4_000_000
LONGEST_NAME = 150


@dataclass(frozen=True)
class Entry:
    """A function that the platform calls: the section that names its file, the default, and how it is called."""

    section: str
    file: str
    function: str
    call: str
    arguments: int


ENTRIES = (
    Entry("data", "data.py", "load", "load(as_of, context)", 2),
    Entry("training", "train.py", "train", "train(context)", 1),
)


@dataclass(frozen=True)
class Code:
    """The files as far as they can be read: their texts, and the modules among them."""

    files: Mapping[str, str]
    modules: Mapping[str, ast.Module]
    mistakes: tuple[Mistake, ...]


def check_files(files: Mapping[str, str]) -> Code:
    """Every file by itself: its name is usable and, if it is Python, it parses."""
    parsed = {name: _parse(name, text) for name, text in files.items() if name.endswith(".py")}
    modules = {name: found for name, found in parsed.items() if isinstance(found, ast.Module)}
    wrong = [found for found in parsed.values() if isinstance(found, Mistake)]
    return Code(files, modules, (*_too_much(files), *_unusable(files), *wrong))


def check_entries(tree: Tree, code: Code) -> tuple[Mistake, ...]:
    """The files that the definition names; one that does not exist is a mistake of the definition, noted in `tree`."""
    return tuple(mistake for entry in ENTRIES for mistake in _check_entry(tree, entry, code))


def _too_much(files: Mapping[str, str]) -> Iterator[Mistake]:
    size = sum(len(text) for text in files.values())
    if len(files) > MAX_FILES or size > MAX_CHARACTERS:
        yield _at_top(
            DEFINITION,
            f"{len(files)} files of {size:,} characters stand beside the workflow",
            f"at most {MAX_FILES} files, {MAX_CHARACTERS:,} characters: data belongs elsewhere, data.py reads it",
        )


def _unusable(files: Mapping[str, str]) -> Iterator[Mistake]:
    for name, text in files.items():
        parts = name.split("/")
        if {"", ".", ".."} & set(parts) or "\\" in name or not name.isprintable() or len(name) > LONGEST_NAME:
            expected = f"a relative path with / inside the folder, at most {LONGEST_NAME} characters"
            yield _at_top(name, f"{name!r} is not a usable file name", expected)
        elif name == DEFINITION:
            yield _at_top(name, f"{name} stands among the files", "the definition beside the files, not among them")
        elif above := next((str(folder) for folder in PurePosixPath(name).parents if str(folder) in files), None):
            yield _at_top(name, f"{above!r} is a file and a folder", "another name for one of them")
        elif any("\ud800" <= character <= "\udfff" for character in text):
            yield _at_top(name, "this is not text: it has half a character pair", "UTF-8 text")


def _parse(name: str, text: str) -> ast.Module | Mistake:
    try:
        return ast.parse(text, filename=name)
    except SyntaxError as error:
        lines = text.splitlines()
        line = min(max(error.lineno or 1, 1), max(len(lines), 1))
        return Mistake(
            file=name,
            line=line,
            column=max(error.offset or 1, 1),
            text=line_of(lines, line),
            message=f"this is not Python: {error.msg}",
            expected="",
        )
    except (ValueError, RecursionError, MemoryError) as error:
        return _at_top(name, f"this is not Python: {error}", "a file that Python can read")


def _check_entry(tree: Tree, entry: Entry, code: Code) -> Iterator[Mistake]:
    path = (entry.section, "entry")
    written = tree.get(*path)
    if written is not None and not isinstance(written, str):
        return
    name = written or entry.file
    if name not in code.files:
        default = "" if written else " (the default)"
        tree.mistake(
            tree.place(path), f"{entry.section}.entry: there is no file {name!r}{default}", _one_of(code.files)
        )
    elif not name.endswith(".py"):
        tree.mistake(tree.place(path), f"{entry.section}.entry: {name!r} is not a Python file", _one_of(code.files))
    elif name in code.modules:
        yield from _check_function(name, code.files[name], code.modules[name], entry)


def _check_function(name: str, text: str, module: ast.Module, entry: Entry) -> Iterator[Mistake]:
    found = _binding(module, entry.function)
    if found is None:
        yield _at_top(name, f"{name} does not define {entry.function!r}", f"`def {entry.call}:`", text)
    elif isinstance(found, ast.AsyncFunctionDef | ast.ClassDef):
        yield _at_node(name, text, found, f"{entry.function!r} is not a plain function", f"`def {entry.call}:`")
    elif isinstance(found, ast.FunctionDef) and not _takes(found.args, entry.arguments):
        message = f"{entry.function!r} cannot be called as {entry.call}"
        yield _at_node(name, text, found, message, f"`def {entry.call}:`")


def _binding(module: ast.Module, function: str) -> ast.stmt | None:
    """The last statement of the module's top level that binds the name."""
    for statement in reversed(module.body):
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = {name}
            case ast.ImportFrom(names=aliases) | ast.Import(names=aliases):
                names = {alias.asname or alias.name for alias in aliases}
            case ast.Assign(targets=targets):
                names = {target.id for target in targets if isinstance(target, ast.Name)}
            case _:
                names = set()
        if function in names:
            return statement
    return None


def _takes(arguments: ast.arguments, count: int) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    needed = positional - len(arguments.defaults)
    keyword_only = any(default is None for default in arguments.kw_defaults)
    return not keyword_only and needed <= count and (count <= positional or arguments.vararg is not None)


def _at_node(name: str, text: str, node: ast.stmt, message: str, expected: str) -> Mistake:
    return Mistake(
        file=name,
        line=node.lineno,
        column=node.col_offset + 1,
        text=line_of(text.splitlines(), node.lineno),
        message=message,
        expected=expected,
    )


def _at_top(name: str, message: str, expected: str, text: str = "") -> Mistake:
    return Mistake(file=name, line=1, column=1, text=line_of(text.splitlines(), 1), message=message, expected=expected)


def _one_of(files: Mapping[str, str]) -> str:
    names = sorted(name for name in files if name.endswith(".py"))
    return "one of the Python files: " + ", ".join(names[:10]) if names else "Python files beside workflow.yaml"
