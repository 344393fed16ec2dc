"""Environments of the past, built by uv from a folder of wheels instead of a registry."""

import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import murmur_training
from murmur_trainer.environments import UvEnvironments
from murmur_trainer.ports import EnvironmentUnavailable
from murmur_training.environment import Environment, environment_json, read_environment

PYTHON = sys.version.split()[0]


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that uv takes for the whole world."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def environments(tmp_path: Path) -> UvEnvironments:
    return UvEnvironments(tmp_path / "environments")


def wheel(folder: Path, name: str, version: str) -> None:
    """One that needs a package which is nowhere: what a run had is installed, and nothing that it may have needed."""
    inside = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{inside}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Dist: nowhere\n",
        f"{inside}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{inside}/RECORD", "".join(f"{path},,\n" for path in (*files, f"{inside}/RECORD")))


def wanted(packages: dict[str, str], python: str | None = PYTHON) -> Environment:
    return Environment(packages=packages, python=python, implementation=platform.python_implementation())


def printed(python: Path, code: str) -> str:
    ended = subprocess.run([python, "-P", "-c", code], capture_output=True, text=True, check=True)
    return ended.stdout.strip()


async def test_it_has_exactly_the_versions_that_were_wanted_and_is_built_once(
    wheels: Path, environments: UvEnvironments
) -> None:
    wheel(wheels, "tiny", "1.0")
    wheel(wheels, "tiny", "2.0")
    python = await environments.interpreter(wanted({"tiny": "1.0"}))
    assert printed(python, "import tiny; print(tiny.VERSION)") == "1.0"
    for path in wheels.iterdir():
        path.unlink()
    assert await environments.interpreter(wanted({"tiny": "1.0"})) == python


async def test_the_platforms_own_packages_come_from_here(wheels: Path, environments: UvEnvironments) -> None:
    here = read_environment(environment_json())
    ours = {name: version for name, version in here.packages.items() if name in ("murmur-training", "murmur-events")}
    assert len(ours) == 2
    python = await environments.interpreter(wanted(ours))
    code = "from importlib.util import find_spec; print(find_spec('murmur_training').origin, find_spec('numpy'))"
    assert printed(python, code) == f"{murmur_training.__file__} None"


async def test_another_release_of_the_platform_cannot_be_had(wheels: Path, environments: UvEnvironments) -> None:
    with pytest.raises(EnvironmentUnavailable, match=r"the run had murmur-training 0\.0\.1, .* which is .* here"):
        await environments.interpreter(wanted({"murmur-training": "0.0.1"}))


async def test_a_version_that_is_nowhere_is_named_and_nothing_half_built_is_used_later(
    wheels: Path, environments: UvEnvironments
) -> None:
    wheel(wheels, "tiny", "2.0")
    with pytest.raises(EnvironmentUnavailable, match=r"tiny==1\.0"):
        await environments.interpreter(wanted({"tiny": "1.0"}))
    wheel(wheels, "tiny", "1.0")
    python = await environments.interpreter(wanted({"tiny": "1.0"}))
    assert printed(python, "import tiny; print(tiny.VERSION)") == "1.0"


async def test_what_was_built_must_say_itself_that_it_is_what_was_wanted(
    wheels: Path, environments: UvEnvironments
) -> None:
    other = Environment(packages={}, python=PYTHON, implementation="PyPy")
    with pytest.raises(EnvironmentUnavailable, match=rf"CPython {PYTHON} for PyPy {PYTHON}"):
        await environments.interpreter(other)


@pytest.mark.parametrize(("python", "told"), [("3.99.1", "3.99.1"), (None, "nobody recorded which Python")])
async def test_a_python_that_is_not_here_is_named(
    wheels: Path, environments: UvEnvironments, python: str | None, told: str
) -> None:
    with pytest.raises(EnvironmentUnavailable, match=told):
        await environments.interpreter(wanted({}, python))
