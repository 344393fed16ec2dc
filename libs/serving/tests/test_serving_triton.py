"""NVIDIA's client for the protocol, over HTTP and gRPC, against a real server.

It runs in a process of its own (`triton_session.py`): its gRPC messages have the names of MLServer's, and one process
can know only one of them.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from replicas import Replica, serving

pytestmark = pytest.mark.flock


@pytest.fixture(scope="module")
def replica(model, tmp_path_factory) -> Iterator[Replica]:
    with serving(model, tmp_path_factory.mktemp("replica"), convert=True) as running:
        yield running


@pytest.mark.parametrize("door", ["http", "grpc"])
def test_tritonclient_is_served(replica, model, tmp_path: Path, door: str) -> None:
    rows = model.rows[:50].copy()
    rows[::3, 0] = np.nan
    np.savez(tmp_path / "rows.npz", rows=rows, expected=model.expected(rows))
    port = replica.ports.http if door == "http" else replica.ports.grpc
    program = Path(__file__).parent / "triton_session.py"
    command = [sys.executable, str(program), door, str(port), str(tmp_path / "rows.npz")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "all done"
