"""Runs functions out of a workflow's folder, and tells their author where in their own file it went wrong."""

import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from murmur_training.errors import CodeRaised, TrainingError

LONGEST = 4000
"""Characters of one explanation."""


class WorkflowCode:
    """The code of one workflow. Its folder is on the import path, so that files may import each other."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        sys.path.insert(0, str(self._folder))

    def function(self, entry: str, name: str) -> Callable[..., Any]:
        """The function of that name in that file, which calls as the author wrote it but raises only `CodeRaised`
        (and `MemoryError`, whose cause is not a line)."""
        path = self._folder / entry
        if not path.is_file():
            raise CodeRaised(f"{entry} does not exist beside workflow.yaml: add it, or name another file as its entry")
        module = self._guarded(lambda: _load(path))
        function = getattr(module, name, None)
        if not callable(function):
            raise CodeRaised(f"{entry} defines no function {name!r}: add `def {name}(…)`")
        return lambda *arguments: self._guarded(lambda: function(*arguments))

    def _guarded(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except MemoryError:
            raise
        except (Exception, SystemExit) as error:
            raise CodeRaised(explain(error, self._folder)) from error


def explain(error: BaseException, folder: Path) -> str:
    """The error in one line that begins with the author's file and line, then the frames inside their folder."""
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, TrainingError):
        what = str(error)
    if isinstance(error, SyntaxError) and error.filename:
        where = f"{Path(error.filename).name}, line {error.lineno}, column {error.offset}"
        return f"{where}: {type(error).__name__}: {error.msg}\n    {(error.text or '').rstrip()}"[:LONGEST]
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(folder)]
    if not own:
        return what[:LONGEST]
    last = own[-1]
    head = f"{_relative(last, folder)}, line {last.lineno}, in {last.name}: {what}"
    frames = [f"  {_relative(frame, folder)}:{frame.lineno} in {frame.name}\n    {frame.line}" for frame in own]
    return "\n".join((head, *frames))[:LONGEST]


def _relative(frame: traceback.FrameSummary, folder: Path) -> str:
    return Path(frame.filename).relative_to(folder).as_posix()


def _load(path: Path) -> Any:
    """The file as a module under its own name, so that other files of the folder which import it get the same one."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    assert specification is not None, f"{path} ends in .py, so that there is a loader for it"
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    return module
