"""Writes the broker's users and rules into a file, or checks it: `python -m murmur_access.generate <file> [--check]`.

The embedded flock and the servers apply the same ones; in the file a reviewer sees what a change of the catalog opens.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from murmur_access.rules import OPERATOR, rules, users

DESCRIPTION = "Generated from the catalog by `python -m murmur_access.generate`: never edited by hand."


def document() -> str:
    """JSON with one rule a line, so that a change is seen as what it is."""
    head = {"description": DESCRIPTION, "super_user": OPERATOR, "users": users()}
    lines = [f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items()]
    allowed = ",\n".join(f"  {json.dumps(asdict(rule))}" for rule in rules())
    return "\n".join(["{", *lines, ' "rules": [', allowed, " ]", "}"]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m murmur_access.generate", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the file differs")
    options = parser.parse_args(arguments)
    path: Path = options.file
    current = path.read_text() if path.exists() else None
    if current == document():
        return 0
    if options.check:
        sys.stdout.write(f"differs from the catalog: {path}; run `python -m murmur_access.generate {path}`\n")
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document())
    sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
