"""A process that speaks S3 and keeps everything in memory, and the environment by which clients find it."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest

from murmur_runtime.ports import free_front_door, listening
from murmur_runtime.testing import eventually


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """Its address. `folder` gets its log."""
    port = free_front_door(span=1)
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            asyncio.run(eventually(lambda: listening("127.0.0.1", port), within=30))
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.wait()


def use_s3(endpoint: str, monkeypatch: pytest.MonkeyPatch, *, bucket: str) -> None:
    """As an operator configures it: by the environment alone. The bucket is there afterwards."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "murmur",
        "AWS_SECRET_ACCESS_KEY": "a test's",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    files = fsspec.filesystem("s3")
    if not files.exists(bucket):
        files.mkdir(bucket)
