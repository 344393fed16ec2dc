"""Kafka's jars: exactly those of the lock file, fetched once into a cache that all flocks of a user share.

A jar is used only when its sha256 is the locked one, checked at every start (0.1 s for all), so that a half-written
download, a changed file or a lying mirror is never run. Re-lock after changing KAFKA: `python -m murmur_runtime.jars`.
"""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from jgo.maven import MavenContext, PythonResolver
from jgo.parse import Coordinate

from murmur_runtime.errors import DownloadFailed, JarCorrupt
from murmur_runtime.locks import exclusive
from murmur_runtime.progress import Downloading, Emit, ignore

KAFKA = "org.apache.kafka:kafka_2.13:4.3.0"
LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
"""Kafka logs to slf4j and names log4j, but not the jar between the two: without it the broker logs nothing."""

_LOCK_FILE = "kafka.lock.json"
_ATTEMPTS = 5
_CONNECTIONS = 4


@dataclass(frozen=True, order=True)
class LockedJar:
    coordinate: str
    sha256: str
    size: int


def locked_jars() -> tuple[LockedJar, ...]:
    text = resources.files("murmur_runtime").joinpath(_LOCK_FILE).read_text()
    return tuple(LockedJar(**row) for row in json.loads(text))


def fetch_jars(
    cache: Path,
    *,
    mirror: str | None = None,
    emit: Emit = ignore,
    jars: tuple[LockedJar, ...] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """The paths of all locked jars, downloading those that are missing or damaged. Raises DownloadFailed, JarCorrupt.

    Safe to call from several processes at once: one downloads, the others wait for it.
    """
    wanted = locked_jars() if jars is None else jars
    with exclusive(cache / "jars.lock"):
        repository = _Repository(cache / "maven", mirror, emit, pause)
        missing = [jar for jar in wanted if not repository.holds(jar)]
        repository.download(missing)
        return [repository.path_of(jar) for jar in wanted]


class _Repository:
    """A Maven repository on disk, filled through jgo."""

    def __init__(self, root: Path, mirror: str | None, emit: Emit, pause: Callable[[float], None]) -> None:
        self._emit = emit
        self._pause = pause
        self._lock = threading.Lock()
        self._done = 0
        self._total = 0
        self._maven = MavenContext(
            repo_cache=root,
            local_repos=[],
            remote_repos=None if mirror is None else {"mirror": mirror.rstrip("/")},
            resolver=PythonResolver(progress_callback=self._measure),
            timeout=30,
        )

    def artifact(self, jar: LockedJar) -> Any:
        group, name, version = jar.coordinate.split(":")
        return self._maven.project(group, name).at_version(version).artifact()

    def path_of(self, jar: LockedJar) -> Path:
        return Path(self.artifact(jar).cached_path)

    def holds(self, jar: LockedJar) -> bool:
        path = self.path_of(jar)
        return path.exists() and sha256_of(path) == jar.sha256

    def download(self, jars: list[LockedJar]) -> None:
        self._total = sum(jar.size for jar in jars)
        if jars:
            self._report()
            with ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="jars") as pool:
                list(pool.map(self._download_one, jars))

    def _download_one(self, jar: LockedJar) -> None:
        path = self.path_of(jar)
        for attempt in range(1, _ATTEMPTS + 1):
            path.unlink(missing_ok=True)
            try:
                self.artifact(jar).resolve()
                break
            # jgo raises RuntimeError for any status but 200; requests' errors are OSErrors
            except (RuntimeError, OSError) as error:
                path.unlink(missing_ok=True)
                if attempt == _ATTEMPTS:
                    raise DownloadFailed(jar.coordinate, str(error)) from error
                self._pause(2.0 ** (attempt - 2))
        found = sha256_of(path)
        if found != jar.sha256:
            path.unlink()
            raise JarCorrupt(path, jar.sha256, found)

    @contextmanager
    def _measure(self, _filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        def advance(count: int) -> None:
            with self._lock:
                self._done += count
                self._report()

        yield advance

    def _report(self) -> None:
        self._emit(Downloading("Kafka (from Maven Central)", done=min(self._done, self._total), total=self._total))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock(cache: Path, into: Path) -> None:
    """Resolves KAFKA and LOG_BINDING, each with all that it needs, and writes the lock file."""
    maven = MavenContext(repo_cache=cache / "maven", local_repos=[], resolver=PythonResolver(), timeout=30)
    jars: set[LockedJar] = set()
    for root in (KAFKA, LOG_BINDING):
        group, name, version = root.split(":")
        dependency = maven.create_dependency(Coordinate(group, name, version, scope="compile"), exclusions=[])
        for found in (found for part in maven.resolver.resolve([dependency]) for found in part):
            path = Path(found.artifact.resolve())
            coordinate = f"{found.groupId}:{found.artifactId}:{found.version}"
            jars.add(LockedJar(coordinate, sha256_of(path), path.stat().st_size))
    rows = [json.dumps(asdict(jar)) for jar in sorted(jars)]
    into.write_text("[\n" + ",\n".join(rows) + "\n]\n")


if __name__ == "__main__":
    from murmur_runtime.settings import FlockSettings

    lock(FlockSettings().cache, Path(__file__).parent / _LOCK_FILE)
