"""The generators of load, on the second core: wrk (as fast as it goes), vegeta (at a rate), ghz (gRPC)."""

import base64
import csv
import io
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from mlserver.grpc import dataplane_pb2 as pb

from servers.starting import Server

CORE = "1"
BIN = Path(".bench/bin").absolute()
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Measured:
    """Of one run: answers per second, milliseconds, and processor time of the server in microseconds an answer."""

    rate: float
    p50: float
    p99: float
    cost: float = 0.0


def middle(runs: list[Measured]) -> Measured:
    """Medians, each of its own."""
    return Measured(*(median(getattr(one, name) for one in runs) for name in ("rate", "p50", "p99", "cost")))


def wrk(server: Server, home: Path, *, connections: int, seconds: float, headers: str = "") -> Measured:
    """Raises AssertionError where an answer was not 2xx, or a connection failed."""
    script = home / "wrk.lua"
    body = json.dumps(server.request)
    script.write_text(
        f'wrk.method="POST"\nwrk.headers["Content-Type"]="application/json"\nwrk.body=[==[{body}]==]\n{headers}'
    )
    command = ["taskset", "-c", CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s"]
    before = _processor_seconds(server.process.pid)
    told = subprocess.run(
        [*command, "--latency", "-s", str(script), server.url], capture_output=True, text=True, check=True
    ).stdout
    spent = _processor_seconds(server.process.pid) - before
    assert "Non-2xx" not in told, (server.name, told)
    assert "Socket errors" not in told, (server.name, told)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    count = re.search(r"(\d+) requests in", told)
    assert rate, told
    assert count, told
    return Measured(float(rate[1]), _percentile(told, 50), _percentile(told, 99), spent / int(count[1]) * 1e6)


def vegeta(server: Server, home: Path, *, rate: int, seconds: int) -> tuple[float, float, float]:
    """p50, p99, p99.9 in ms. Requests leave at their time whether earlier ones were answered or not."""
    body = base64.b64encode(json.dumps(server.request).encode()).decode()
    target = {"method": "POST", "url": server.url, "header": {"Content-Type": ["application/json"]}, "body": body}
    (home / "target.json").write_text(json.dumps(target) + "\n")
    attack = [str(BIN / "vegeta"), "attack", "-format=json", f"-targets={home / 'target.json'}", f"-rate={rate}"]
    shell = f"taskset -c {CORE} {' '.join(attack)} -duration={seconds}s -timeout=30s > {home / 'shot.bin'}"
    subprocess.run(shell, shell=True, check=True)
    encoded = subprocess.run(
        [BIN / "vegeta", "encode", "--to=csv", str(home / "shot.bin")], capture_output=True, text=True, check=True
    ).stdout
    rows = list(csv.reader(io.StringIO(encoded)))
    failed = {(row[1], row[5]) for row in rows if row[1] != "200"}
    assert not failed, failed
    p50, p99, p999 = np.percentile([int(row[2]) / 1e6 for row in rows], [50, 99, 99.9])
    return float(p50), float(p99), float(p999)


def ghz(server: Server, home: Path, *, concurrency: int, seconds: int) -> Measured:
    values = server.request["inputs"][0]["data"]
    tensor = {"name": "x", "datatype": "FP64", "shape": [1, len(values)], "contents": {"fp64_contents": values}}
    (home / "rpc.json").write_text(json.dumps({"model_name": "fraud", "inputs": [tensor]}))
    described = FileDescriptorProto()
    pb.DESCRIPTOR.CopyToProto(described)
    (home / "rpc.protoset").write_bytes(FileDescriptorSet(file=[described]).SerializeToString())
    command = ["taskset", "-c", CORE, str(BIN / "ghz"), "--insecure", "--protoset", str(home / "rpc.protoset")]
    command += ["--call", "inference.GRPCInferenceService/ModelInfer", "--data-file", str(home / "rpc.json")]
    command += ["-c", str(concurrency), "--connections", "16", "-z", f"{seconds}s", "--duration-stop", "wait"]
    command += ["-O", "json", f"127.0.0.1:{server.grpc_port}"]
    before = _processor_seconds(server.process.pid)
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    spent = _processor_seconds(server.process.pid) - before
    assert set(told["statusCodeDistribution"]) == {"OK"}, told["statusCodeDistribution"]
    at = {one["percentage"]: one["latency"] / 1e6 for one in told["latencyDistribution"]}
    return Measured(told["rps"], at[50], at[99], spent / told["count"] * 1e6)


def _percentile(told: str, percent: int) -> float:
    found = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s|m)\b", told)
    assert found, told
    return float(found[1]) * _UNITS[found[2]]


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
