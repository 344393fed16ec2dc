"""The two files of a conversion, and how the process that serves comes by them."""

import asyncio
import hashlib
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from murmur_serving.config import ReplicaConfig
from murmur_serving.conversion.proof import Proof

PATIENCE = 45.0
"""Seconds for a conversion; a replica has a minute to become ready."""
_REFUSED_FOR = 3600.0
"""Seconds after which a conversion that was refused is tried again: the machine may have more time for it by then."""


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
        """The proof, and the converted model if that may serve; None if there is no proof, or an old refusal."""
        try:
            proof = Proof.model_validate_json(self.proof.read_bytes())
            if proof.refusal and time.time() - self.proof.stat().st_mtime > _REFUSED_FOR:
                return None
            content = b"" if proof.refusal else self.onnx.read_bytes()
        except (FileNotFoundError, ValidationError):
            return None
        if not proof.refusal and sha256_of(content) != proof.onnx_sha256:
            return None
        return proof, content


def kept_files(directory: Path, config: ReplicaConfig) -> ConvertedFiles:
    """Of what was proven, or took too long. Any other refusal stays in the replica's own directory: its reason may be
    gone by the next one, which finds that out soon."""
    return ConvertedFiles(config.conversions or directory, config.sha256)


def put(path: Path, content: bytes) -> None:
    """Whole or not at all, whoever is killed meanwhile. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.write_bytes(content)
    os.replace(draft, path)


async def converted(directory: Path, config: ReplicaConfig, *, patience: float = PATIENCE) -> tuple[Proof, bytes]:
    """What an earlier replica left, or the work of a process of its own. Raises nothing."""

    def read() -> tuple[Proof, bytes] | None:
        return kept_files(directory, config).read() or ConvertedFiles(directory, config.sha256).read()

    if found := await asyncio.to_thread(read):
        return found
    # Not by the event loop, which forks: gRPC has threads of its own that a fork would have to stop.
    command = [sys.executable, "-m", "murmur_serving.conversion", str(directory), "--parent", str(os.getpid())]
    process = subprocess.Popen(command)  # noqa: ASYNC220
    try:
        code = await asyncio.to_thread(process.wait, patience)
    except subprocess.TimeoutExpired:
        return await asyncio.to_thread(_given_up, kept_files(directory, config), patience)
    finally:
        process.kill()  # says nothing to a process that has ended
        process.wait()
    found = await asyncio.to_thread(read) if code == 0 else None
    return found or (Proof(refusal=f"its conversion ended with exit code {code}"), b"")


def _given_up(files: ConvertedFiles, patience: float) -> tuple[Proof, bytes]:
    """Kept, or every replica of the version would wait for as long. What another has proven meanwhile stands."""
    if found := files.read():
        return found
    proof = Proof(refusal=f"its conversion was not done after {patience:g} s")
    with suppress(OSError):
        put(files.proof, proof.model_dump_json().encode())
    return proof, b""
