"""Only locked jars are ever run: what is missing is fetched, what is damaged is fetched again, what lies is refused."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from murmur_runtime.errors import DownloadFailed, JarCorrupt
from murmur_runtime.jars import LockedJar, fetch_jars, locked_jars
from murmur_runtime.progress import Downloading, Progress

CONTENT = b"a jar" * 1000
JAR = LockedJar("org.example:bird:1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))


class Mirror:
    """A Maven repository with one jar, which fails as often as told before it answers."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.failures = 0
        self.downloads = 0
        self.address = ""

    @contextmanager
    def running(self) -> Iterator["Mirror"]:
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not self.path.endswith(".jar"):
                    self.send_error(404)
                elif mirror.failures:
                    mirror.failures -= 1
                    self.send_error(503)
                else:
                    mirror.downloads += 1
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(mirror.content)))
                    self.end_headers()
                    self.wfile.write(mirror.content)

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            self.address = f"http://127.0.0.1:{server.server_address[1]}"
            yield self
            server.shutdown()
            thread.join()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror().running() as running:
        yield running


def fetch(cache: Path, mirror: Mirror, facts: list[Progress] | None = None) -> list[Path]:
    seen: list[Progress] = [] if facts is None else facts
    return fetch_jars(cache, mirror=mirror.address, jars=(JAR,), emit=seen.append, pause=lambda _: None)


def test_a_missing_jar_is_fetched_once_and_its_progress_told(tmp_path: Path, mirror: Mirror) -> None:
    facts: list[Progress] = []

    paths = fetch(tmp_path, mirror, facts)
    again = fetch(tmp_path, mirror)

    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert again == paths
    assert mirror.downloads == 1
    assert [facts[0], facts[-1]] == [
        Downloading("Kafka (from Maven Central)", 0, len(CONTENT)),
        Downloading("Kafka (from Maven Central)", len(CONTENT), len(CONTENT)),
    ]


def test_a_half_written_jar_is_fetched_again(tmp_path: Path, mirror: Mirror) -> None:
    (path,) = fetch(tmp_path, mirror)
    path.write_bytes(CONTENT[:100])

    assert fetch(tmp_path, mirror)[0].read_bytes() == CONTENT


def test_a_server_that_is_busy_is_asked_again(tmp_path: Path, mirror: Mirror) -> None:
    mirror.failures = 2

    assert fetch(tmp_path, mirror)[0].read_bytes() == CONTENT


def test_a_server_that_stays_busy_ends_in_a_message_and_leaves_nothing(tmp_path: Path, mirror: Mirror) -> None:
    mirror.failures = 1000

    with pytest.raises(DownloadFailed, match=r"org\.example:bird:1\.0"):
        fetch(tmp_path, mirror)

    assert list(tmp_path.rglob("*.jar")) == []


def test_a_jar_that_is_not_the_locked_one_is_refused_and_removed(tmp_path: Path, mirror: Mirror) -> None:
    mirror.content = b"something else"

    with pytest.raises(JarCorrupt):
        fetch(tmp_path, mirror)

    assert list(tmp_path.rglob("*.jar")) == []


def test_the_lock_holds_the_broker_and_its_log_binding_once_each() -> None:
    names = [jar.coordinate.rsplit(":", 1)[0] for jar in locked_jars()]

    assert {"org.apache.kafka:kafka_2.13", "org.apache.logging.log4j:log4j-slf4j-impl"} <= set(names)
    assert len(names) == len(set(names)) == 46
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in locked_jars())
