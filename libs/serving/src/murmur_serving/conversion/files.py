"""The two files of a conversion, and how the process that serves comes by them."""

import asyncio
import hashlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

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


async def converted(directory: Path, sha256: str, *, patience: float = PATIENCE) -> tuple[Proof, bytes]:
    """What an earlier life of the replica left there, or the work of a process of its own. Raises nothing."""
    files = ConvertedFiles(directory, sha256)
    if found := await asyncio.to_thread(files.read):
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
    found = await asyncio.to_thread(files.read) if code == 0 else None
    return found or (Proof(refusal=f"its conversion ended with exit code {code}"), b"")
