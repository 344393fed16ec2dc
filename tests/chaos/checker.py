"""Judges a flock from outside, by Kafka, the stores and /proc alone: it imports nothing of what it judges.

    python tests/chaos/checker.py --brokers 127.0.0.1:8081 --home .murmur

Exit codes: 0 nothing is wrong, 1 something is (one line each), 2 wrong usage, 3 the broker does not answer.
"""

import argparse
import asyncio
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

from aiokafka.errors import KafkaError
from checker_reading import channels, read_sqlite, read_topics, tagged_processes
from checker_rules import RULES, broken
from checker_world import Memory, World, dump

_LOOK = 0.5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brokers", help="address of Kafka; without it no topic is read")
    parser.add_argument(
        "--home", type=Path, required=True, help="the flock's folder: stores, ledger, tag of its processes"
    )
    parser.add_argument("--mongodb", help="where the stores are, instead of the files in the home")
    parser.add_argument("--within", type=float, default=0, help="look again until all is well, for so many seconds")
    parser.add_argument("--only", choices=sorted(RULES), action="append", help="only this rule; may be repeated")
    parser.add_argument("--down", action="store_true", help="the flock has ended: no process of it may be left")
    parser.add_argument("--record", type=Path, help="keep what was read in this file")
    return parser.parse_args()


async def look(asked: argparse.Namespace) -> World:
    """Raises KafkaError."""
    topics = channels()
    facts, wrong = await read_topics(asked.brokers, topics) if asked.brokers else ([], [])
    return World(
        facts=tuple(facts),
        memories=tuple(read_stores(asked)),
        channels=topics,
        unreadable=tuple(wrong),
        orphans=tagged_processes(tag_of(asked.home)) if asked.down else None,
        ledger=verify_ledger(asked.home, against_kafka=asked.brokers is not None),
        now=time.time(),
    )


def read_stores(asked: argparse.Namespace) -> list[Memory]:
    if not asked.mongodb:
        return read_sqlite(asked.home)
    from checker_mongodb import read_mongodb  # a flock of files needs no client of MongoDB

    return read_mongodb(asked.mongodb)


def tag_of(home: Path) -> str:
    return hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]


def verify_ledger(home: Path, *, against_kafka: bool) -> str | None:
    """What `murmur audit verify` complains about; None where there is no ledger, or nothing is wrong.

    With a broker also what differs between its topics and the ledger; MURMUR_PORT says which flock's.
    """
    if not (home / "ledger").exists():
        return None
    command = [str(Path(sys.executable).parent / "murmur"), "audit", "verify"]
    command += ["--against-kafka"] if against_kafka else []
    environment = {**os.environ, "MURMUR_HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stdout + done.stderr).strip()


async def main() -> int:
    asked = arguments()
    deadline = time.monotonic() + asked.within
    while True:
        try:
            world = await look(asked)
            complaints = broken(world, asked.only)
        except (KafkaError, OSError) as error:
            if time.monotonic() > deadline:
                print(f"the broker at {asked.brokers} does not answer: {error!r}")  # noqa: T201  a program's output
                return 3
            complaints = [repr(error)]
        if not complaints or time.monotonic() > deadline:
            break
        await asyncio.sleep(_LOOK)
    if asked.record:
        asked.record.write_text(dump(world))
    for complaint in complaints:
        print(complaint)  # noqa: T201
    print(summary(world) if not complaints else f"{len(complaints)} complaints")  # noqa: T201
    return 1 if complaints else 0


def summary(world: World) -> str:
    events = len({fact.id for fact in world.facts})
    return f"{events} events ({len(world.facts) - events} repeated) and {len(world.memories)} stores: nothing is wrong"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
