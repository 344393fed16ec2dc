"""Builds an environment of the past with uv: exactly the versions that a run had, and nothing else.

The platform's own packages are in no registry, so that these are taken from here; where their version was another one,
the environment cannot be had.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import uuid
from importlib.metadata import Distribution, distributions
from pathlib import Path

from murmur_trainer.ports import EnvironmentUnavailable
from murmur_training import environment
from murmur_training.environment import Environment, normalized, read_environment
from murmur_training.locking import alone

TIMEOUT = 1800
"""Seconds for one step, which may download some hundred megabytes."""
_OURS = re.compile(r"murmur(ation)?(-|$)")


class UvEnvironments:
    """One folder an environment, named by its lock and kept: the second reproduction builds nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def interpreter(self, wanted: Environment) -> Path:
        """Raises EnvironmentUnavailable."""
        return await asyncio.to_thread(self._interpreter, wanted)

    def _interpreter(self, wanted: Environment) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        home = self._folder / f"{wanted.python}-{wanted.lock[:16]}"
        with alone(self._folder / f"{home.name}.lock"):
            if not home.exists():
                for left in self._folder.glob(f".{home.name}.*"):
                    shutil.rmtree(left, ignore_errors=True)
                draft = self._folder / f".{home.name}.{uuid.uuid4().hex}"
                try:
                    _build(draft, wanted)
                    draft.rename(home)
                finally:
                    shutil.rmtree(draft, ignore_errors=True)
        return _python_in(home)


def _build(home: Path, wanted: Environment) -> None:
    """Under a name of its own: a trainer that is killed meanwhile leaves nothing that could be taken for whole."""
    uv, python = _uv(), _python_in(home)
    _run([uv, "venv", "--quiet", "--no-python-downloads", "--python", _python_for(wanted), str(home)])
    theirs = {name: version for name, version in wanted.packages.items() if not _OURS.match(name)}
    if theirs:
        exact = home / "exact.txt"
        exact.write_text("".join(f"{name}=={version}\n" for name, version in sorted(theirs.items())))
        _run([uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), "-r", str(exact)])
    site = _run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    _bring_ours(Path(site), wanted)
    _compare(python, wanted)


def _python_in(home: Path) -> Path:
    return home / "bin" / "python"


def _uv() -> str:
    """uv on the path, or where `make` has put it."""
    beside = Path(sys.prefix).parent / ".uv" / "bin"
    found = shutil.which("uv", path=os.pathsep.join((os.environ.get("PATH", ""), str(beside))))
    if found is None:
        raise EnvironmentUnavailable(f"uv is neither on the path nor in {beside}: install it (pip install uv)")
    return found


def _python_for(wanted: Environment) -> str:
    """This very interpreter where it is of that version, or uv looks for one on the machine."""
    if wanted.python is None:
        raise EnvironmentUnavailable("nobody recorded which Python the run had: repeat it in the present environment")
    return sys.executable if wanted.python == sys.version.split()[0] else wanted.python


def _bring_ours(site: Path, wanted: Environment) -> None:
    ours = {name: each for each in distributions() if _OURS.match(name := normalized(each.metadata["Name"]))}
    for name, version in wanted.packages.items():
        if _OURS.match(name):
            here = ours.get(name)
            if here is None or here.version != version:
                there = here.version if here is not None else "absent"
                raise EnvironmentUnavailable(
                    f"the run had {name} {version}, a part of the platform, which is {there} here: repeat it in the"
                    f" present environment, or on the release that it ran on"
                )
            _copy(here, site)


def _copy(distribution: Distribution, site: Path) -> None:
    """Its files, or if it is installed in place the files that lead there."""
    own = Path(sysconfig.get_path("purelib")).resolve()
    for file in distribution.files or ():
        source = Path(str(distribution.locate_file(file))).resolve()
        if source.is_file() and source.is_relative_to(own):
            to = site / source.relative_to(own)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, to)


def _compare(python: Path, wanted: Environment) -> None:
    """What was built says itself what it is."""
    told = _run([str(python), "-P", environment.__file__])
    built = read_environment(told.encode())
    if (built.lock, built.interpreter) != (wanted.lock, wanted.interpreter):
        names = sorted(wanted.packages.items() ^ built.packages.items())
        raise EnvironmentUnavailable(
            f"the environment that was built is not that of the run: {built.interpreter} for {wanted.interpreter},"
            f" packages that differ: {', '.join(f'{name} {version}' for name, version in names[:8]) or 'none'}"
        )


def _run(command: list[str]) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise EnvironmentUnavailable(f"{' '.join(command[:3])!r} took longer than {TIMEOUT} s and was ended") from None
    if ended.returncode != 0:
        said = re.sub(r"://[^/@\s]+@", "://", " ".join(ended.stderr.split()))[
            :1500
        ]  # a registry's password is nobody's
        raise EnvironmentUnavailable(
            f"the environment of the run cannot be built, {' '.join(command[:3])!r} says: {said}. Is the registry"
            f" reachable? Else repeat the run in the present environment"
        )
    return ended.stdout
