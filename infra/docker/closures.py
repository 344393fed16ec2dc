"""Writes what each image holds, by name: `python infra/docker/closures.py`, after a change of a member's dependencies.

A line is a member of this workspace (`./libs/kernel`) or a package, whose version and hashes requirements.lock says.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "closures"
EVERYWHERE = (("--package", "murmur-kernel", "--extra", "s3"),)
"""What an image holds beside its own member's closure: artifacts are in S3 there."""


def images() -> dict[str, tuple[tuple[str, ...], ...]]:
    """By name, the arguments of `uv export` whose results the image is made of."""
    services = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
    return {name: (("--package", f"murmur-{name}"), *EVERYWHERE) for name in (*services, "cli")}


def closure(selections: tuple[tuple[str, ...], ...]) -> str:
    """Raises CalledProcessError with what uv says."""
    lines: set[str] = set()
    for selection in selections:
        command = [str(ROOT / ".uv/bin/uv"), "export", *selection]
        command += ["--no-dev", "--no-hashes", "--no-header", "--no-annotate", "--frozen", "--quiet"]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        lines |= {_name(line) for line in found.splitlines() if line and not line.startswith(" ")}
    return "\n".join(sorted(lines)) + "\n"


def _name(line: str) -> str:
    return line.removeprefix("-e ").strip() if line.startswith("-e ") else re.split(r"[ =;\[]", line)[0]


def main() -> int:
    for image, selections in images().items():
        (FOLDER / f"{image}.txt").write_text(closure(selections))
    return 0


if __name__ == "__main__":
    sys.exit(main())
