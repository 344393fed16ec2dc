"""The two files of a conversion, and how the process that serves comes by them."""

import asyncio
import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from murmur_serving.config import ReplicaConfig
from murmur_serving.conversion.proof import Proof

PATIENCE = 45.0
"""Seconds for a conversion; a replica has a minute to become ready."""


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True)
class ConvertedFiles:
    """Beside the model with that sha256."""

    directory: Path
    sha256: str

    @property
    def onnx(self) -> Path:
        return self.directory / f"{self.sha256}.onnx"

    @property
    def proof(self) -> Path:
        return self.directory / f"{self.sha256}.proof.json"

    def read(self) -> tuple[Proof, bytes] | None:
        """The proof, and the converted model if that may serve; None if there is no proof yet."""
        try:
            proof = Proof.model_validate_json(self.proof.read_bytes())
            content = b"" if proof.refusal else self.onnx.read_bytes()
        except (FileNotFoundError, ValidationError):
            return None
        if not proof.refusal and sha256_of(content) != proof.onnx_sha256:
            return None
        return proof, content


def kept_files(directory: Path, config: ReplicaConfig) -> ConvertedFiles:
    """Of what was proven. A refusal stays in the replica's own directory: its reason may be gone by the next one."""
    return ConvertedFiles(config.conversions or directory, config.sha256)


async def converted(directory: Path, config: ReplicaConfig, *, patience: float = PATIENCE) -> tuple[Proof, bytes]:
    """What an earlier replica left, or the work of a process of its own. Raises nothing."""

    def read() -> tuple[Proof, bytes] | None:
        return kept_files(directory, config).read() or ConvertedFiles(directory, config.sha256).read()

    if found := await asyncio.to_thread(read):
        return found
    # Not by the event loop, which forks: gRPC has threads of its own that a fork would have to stop.
    process = subprocess.Popen([sys.executable, "-m", "murmur_serving.conversion", str(directory)])  # noqa: ASYNC220
    try:
        code = await asyncio.to_thread(process.wait, patience)
    except subprocess.TimeoutExpired:
        return Proof(refusal=f"its conversion was not done after {patience:g} s"), b""
    finally:
        process.kill()  # says nothing to a process that has ended
        process.wait()
    found = await asyncio.to_thread(read) if code == 0 else None
    return found or (Proof(refusal=f"its conversion ended with exit code {code}"), b"")
