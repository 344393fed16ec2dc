"""A real model server process, for tests that ask it from outside."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from murmur_serving.config import Ports
from murmur_serving.predictionlog import LoggedRow, rows_below

NEVER = datetime.min.replace(tzinfo=UTC)


def free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Replica:
    process: subprocess.Popen[bytes]
    ports: Ports
    logs: Path
    output: Path

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.ports.http}", timeout=10)

    def until_ready(self) -> None:
        deadline = time.monotonic() + 60
        with self.client as client:
            while time.monotonic() < deadline and self.process.poll() is None:
                try:
                    if client.get("/v2/models/credit/ready").status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
        raise AssertionError(f"not ready: {self.output.read_text()}")

    def logged(self) -> list[LoggedRow]:
        return rows_below(self.logs)

    def logged_since(self, known: int, *, named: bool = True) -> list[LoggedRow]:
        """Rows after the first `known`, without what no two requests have in common."""
        rows = self.logged()[known:]
        return [replace(row, at=NEVER, latency_ms=0, request_id=row.request_id if named else "") for row in rows]

    def metrics(self) -> dict[str, float]:
        """Samples by name, those of all labels added."""
        with self.client as client:
            text = client.get("/metrics").text
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        return found


@contextmanager
def serving(model: Any, home: Path, **changes: Any) -> Iterator[Replica]:
    """One that answers, for as long as it is wanted."""
    replica = start_replica(model, home, **changes)
    try:
        replica.until_ready()
        yield replica
    finally:
        replica.process.kill()
        replica.process.wait()


def start_replica(model: Any, home: Path, **changes: Any) -> Replica:
    """Of a TinyModel, in `home`."""
    ports = Ports(http=free_port(), grpc=free_port())
    model.write(home / "credit-v3-1", model.config(home / "logs").model_copy(update=changes), ports=ports)
    output = home / "output.log"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "murmur_serving", str(home / "credit-v3-1")], stdout=file, stderr=file
        )
    return Replica(process, ports, home / "logs", output)
