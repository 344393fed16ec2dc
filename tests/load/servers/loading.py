"""The generators of load, on the second core: wrk (as fast as it goes), oha (at a rate), ghz (gRPC)."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from mlserver.grpc import dataplane_pb2 as pb

from murmur_runtime.testing import listening_at
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


def leave_the_core_to_servers(brokers: str) -> None:
    """The broker's threads stay on the core of the generators."""
    process = listening_at(brokers)
    for thread in Path(f"/proc/{process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {int(CORE)})


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


@dataclass(frozen=True)
class AtRate:
    """rate: answers per second; the rest in milliseconds."""

    rate: float
    p50: float
    p99: float
    p999: float


def oha(server: Server, home: Path, *, seconds: int, rate: int | None = None) -> AtRate:
    """Over 64 connections, at a rate (latency from the time at which a request was due) or as fast as it goes.

    Raises AssertionError where an answer was not 200.
    """
    body = home / "body.json"
    body.write_text(json.dumps(server.request))
    command = ["taskset", "-c", CORE, str(BIN / "oha"), "--no-tui", "--latency-correction", "--output-format", "json"]
    command += ["-c", "64", "-z", f"{seconds}s", "-m", "POST", "-T", "application/json"]
    command += [] if rate is None else ["-q", str(rate)]
    told = json.loads(subprocess.run([*command, "-D", body, server.url], capture_output=True, check=True).stdout)
    failed = {what: count for what, count in told["errorDistribution"].items() if what != "aborted due to deadline"}
    assert not failed, failed  # what was under way at the end is aborted
    assert set(told["statusCodeDistribution"]) == {"200"}, told["statusCodeDistribution"]
    p50, p99, p999 = (told["latencyPercentiles"][name] * 1000 for name in ("p50", "p99", "p99.9"))
    return AtRate(told["statusCodeDistribution"]["200"] / seconds, p50, p99, p999)


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
