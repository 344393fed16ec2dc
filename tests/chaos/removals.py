"""Takes a mechanism away, plays the scene that must then fail, puts it back: `python tests/chaos/removals.py inbox`.

Prints what was seen. Without a name it lists the mechanisms; it needs a quiet machine and edits this working tree.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_KERNEL = "libs/kernel/src/murmur_kernel"


@dataclass(frozen=True)
class Removal:
    """changes: (file, what stands there, what stands there without the mechanism)."""

    promise: str
    test: str
    changes: tuple[tuple[str, str, str], ...]


def _scene(name: str) -> str:
    return f"tests/chaos/test_points.py::test_a_workflow_ends_once_though_processes_die_at[{name}]"


REMOVALS = {
    "outbox": Removal(
        "what was committed is published, though its process died first",
        _scene("unpublished-version"),
        (
            (
                f"{_KERNEL}/store/sqlite.py",
                "await self._engine.open(tuple(statements), ",
                "await self._engine.open((*tuple(statements), 'DELETE FROM outbox'), ",
            ),
        ),
    ),
    "ids": Removal(
        "an event that is published twice is the same event",
        _scene("unmarked-run"),
        (
            (
                f"{_KERNEL}/outbox.py",
                "to_record(envelope) for envelope",
                "to_record(__import__('dataclasses').replace(envelope, id=os_id())) for envelope",
            ),
            (f"{_KERNEL}/outbox.py", "_BATCH = 500", "_BATCH = 500\nos_id = lambda: __import__('uuid').uuid4().hex"),
        ),
    ),
    "inbox": Removal(
        "a second delivery changes nothing",
        _scene("offset-request"),
        (
            (f"{_KERNEL}/store/sqlite_changes.py", "raise Duplicate(mark)", "return"),
            (
                f"{_KERNEL}/store/sqlite.py",
                'return await self._first("SELECT 1 FROM inbox WHERE mark = ?", mark) is not None',
                "return False",
            ),
        ),
    ),
    "offsets": Removal(
        "what was not handled is not skipped",
        _scene("handling-run"),
        (
            (
                f"{_KERNEL}/consumer.py",
                "                        self._accept(record)\n",
                "                        self._progress[_place(record)].committable = record.offset + 1\n"
                "                        await self._commit()\n"
                "                        self._accept(record)\n",
            ),
        ),
    ),
    "lease": Removal(
        "another attempt takes a dead worker's job over",
        _scene("job-child-runs"),
        (
            (
                f"{_KERNEL}/store/sqlite.py",
                "state = 'running' AND lease_until <= ?",
                "state = 'nobody' AND lease_until <= ?",
            ),
        ),
    ),
    "candidate": Removal(
        "one model server a deployment, whenever the deployer dies",
        _scene("rollout-started"),
        (
            (
                "services/deployer/src/murmur_deployer/candidates.py",
                "left = (await uow.deployments.require(name)).candidate",
                "left = None",
            ),
        ),
    ),
    "acknowledgement": Removal(
        "what the broker has not acknowledged is sent again",
        _scene("produce-run"),
        (
            (f"{_KERNEL}/bus/kafka.py", "enable_idempotence=True", "enable_idempotence=False"),
            (f"{_KERNEL}/bus/kafka.py", 'acks="all"', "acks=0"),
        ),
    ),
    "adoption": Removal(
        "the next supervisor adopts what lives",
        "libs/runtime/tests/test_supervised_flock.py",
        (
            (
                "libs/runtime/src/murmur_runtime/keeper.py",
                "process = living.find(self._home, self.spec.name)",
                "process = None",
            ),
        ),
    ),
    "note": Removal(
        "a full disk does not cost the supervisor a process that it has started",
        "libs/runtime/tests/test_keeping_on_a_full_disk.py",
        (
            (
                "libs/runtime/src/murmur_runtime/keeper.py",
                "except OSError as error:  # a full disk: it is",
                "except KeyError as error:  # it is",
            ),
        ),
    ),
    "full": Removal(
        "a full disk is infrastructure that fails, not a bug of the handler",
        "libs/kernel/tests/test_disk_full.py",
        ((f"{_KERNEL}/store/sqlite_engine.py", "return StoreFull(path, str(error))", "return ValueError(str(error))"),),
    ),
    "part": Removal(
        "an artifact that finds no room leaves nothing behind",
        "libs/kernel/tests/test_disk_full.py",
        ((f"{_KERNEL}/artifacts.py", "self._discard(temporary)", "pass"),),
    ),
    "room": Removal(
        "readiness tells of a full disk",
        "libs/kernel/tests/test_disk_full.py",
        ((f"{_KERNEL}/disk.py", "if free >= RESERVE:", "if True:"),),
    ),
    "507": Removal(
        "a call that finds no room is told so",
        "libs/kernel/tests/test_disk_full.py",
        ((f"{_KERNEL}/web.py", "NoSpace: 507", "NoSpace: 503"),),
    ),
}


def without(removal: Removal) -> dict[Path, str]:
    """The changed files as they would be. Raises ValueError where a mechanism is not found: the code has moved on."""
    changed: dict[Path, str] = {}
    for name, old, new in removal.changes:
        path = ROOT / name
        text = changed.get(path) or path.read_text()
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times in {name}: adapt tests/chaos/removals.py")
        changed[path] = text.replace(old, new)
    return changed


def main(names: list[str]) -> int:
    if not names:
        for name, removal in REMOVALS.items():
            print(f"{name:16} {removal.promise}")  # noqa: T201  a program's output
        return 2
    for name in names:
        changed = without(REMOVALS[name])
        kept = {path: path.read_text() for path in changed}
        try:
            for path, text in changed.items():
                path.write_text(text)
            code, seen = play(REMOVALS[name].test)
        finally:
            for path, text in kept.items():
                path.write_text(text)
        print(f"{name}: {'nothing failed' if code == 0 else 'failed as it should'}\n{seen}", flush=True)  # noqa: T201
    return 0


def play(test: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    environment = {**os.environ, "MURMUR_CHAOS": "full"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    told = [line[:600] for line in done.stdout.splitlines() if line.startswith(("E  ", "FAILED"))]
    return done.returncode, "\n".join(told[:12])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
