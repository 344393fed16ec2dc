"""What is wrong with a workflow's files, said as a compiler does: where, what stands there, what was expected."""

from collections.abc import Sequence
from dataclasses import dataclass

DEFINITION = "workflow.yaml"
LONGEST_TEXT = 200


@dataclass(frozen=True, kw_only=True, order=True)
class Mistake:
    """line and column count from 1; text is the line as it stands in the file, cut where it is very long."""

    file: str
    line: int
    column: int
    text: str
    message: str
    expected: str

    def __str__(self) -> str:
        indent = "".join("\t" if character == "\t" else " " for character in self.text[: self.column - 1])
        shown = f"\n    {self.text}\n    {indent}^" if self.text else ""
        expected = f"\n  expected: {self.expected}" if self.expected else ""
        return f"{self.file}:{self.line}:{self.column}: {self.message}{shown}{expected}"


class WorkflowFileInvalid(Exception):
    """The files of a workflow cannot be used; all mistakes are named at once, in the order of the files."""

    def __init__(self, workflow: str, mistakes: Sequence[Mistake]) -> None:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__(f"the files of workflow {workflow!r} have {count}: nothing was changed")
        self.workflow = workflow
        self.mistakes = tuple(mistakes)


def line_of(lines: Sequence[str], number: int) -> str:
    """The line with that number, as a mistake shows it."""
    text = lines[number - 1] if 0 < number <= len(lines) else ""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def in_order(mistakes: Sequence[Mistake]) -> tuple[Mistake, ...]:
    """Each once: the definition's first, then file by file, from top to bottom."""
    return tuple(sorted(set(mistakes), key=lambda mistake: (mistake.file != DEFINITION, mistake)))
