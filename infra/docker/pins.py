"""Cuts an image's packages out of requirements.lock, hashes included: `python pins.py <closure> <lock> <folder>`.

Writes packages.txt, for `pip install --require-hashes`, and members.txt, the folders of this workspace. Needs nothing
but Python, since it runs before anything is installed.
"""

import re
import sys
from pathlib import Path


class NotLocked(SystemExit):
    """A closure that the lock does not cover: the one was made anew and the other was not."""


def entries(lock: str) -> dict[str, str]:
    """The lock's text of each package, by name: several lines where versions of Python need several versions of it."""
    found: dict[str, str] = {}
    for block in re.finditer(r"^([a-z0-9][a-z0-9._-]*)==(?:[^\n]*\\\n)*[^\n]*\n", lock, flags=re.M):
        found[block[1]] = found.get(block[1], "") + block[0]
    return found


def pins(closure: str, lock: str) -> tuple[str, str]:
    """Raises NotLocked."""
    lines = closure.split()
    members = [line for line in lines if line.startswith("./")]
    packages = [line for line in lines if not line.startswith("./")]
    locked = entries(lock)
    if missing := [name for name in packages if name not in locked]:
        raise NotLocked(f"not in requirements.lock: {', '.join(missing)}; run make lock")
    return "".join(locked[name] for name in packages), "".join(f"{member}\n" for member in members)


def main() -> int:
    closure, lock, folder = (Path(argument) for argument in sys.argv[1:4])
    packages, members = pins(closure.read_text(), lock.read_text())
    (folder / "packages.txt").write_text(packages)
    (folder / "members.txt").write_text(members)
    return 0


if __name__ == "__main__":
    sys.exit(main())
