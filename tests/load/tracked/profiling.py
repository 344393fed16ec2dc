"""Where a server's time goes while it is asked, by function, as py-spy sees it from outside."""

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil


def profile(spy: Path, process: psutil.Process, work: Callable[[], object], *, seconds: int, raw: Path) -> str:
    """work: what the server is asked meanwhile; it should take longer than `seconds`. Children are watched too."""
    command = [str(spy), "record", "--subprocesses", "-d", str(seconds), "-r", "200", "-f", "raw", "-o", str(raw)]
    watching = subprocess.Popen(
        [*command, "-p", str(process.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        work()
        _, complaint = watching.communicate(timeout=seconds + 60)
    finally:
        watching.kill()
    return shares(raw.read_text()) if raw.exists() else f"py-spy saw nothing: {complaint.strip()}\n"


_WAITING = frozenset({"select", "wait", "poll", "accept", "_recv", "_try_wait"})
"""Functions in which a thread waits for work. py-spy leaves out what the system calls idle; on a busy machine
a thread may be woken and still wait for a core."""


def shares(raw: str, most: int = 30) -> str:
    """Collapsed stacks ("frame;frame count", a line each) as shares of the time by function, without waiting."""
    itself: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [frame.rpartition(":")[0] or frame for frame in stack.split(";")]
        if frames[-1].partition(" (")[0].rpartition(".")[2] in _WAITING:
            continue
        itself[frames[-1]] += int(count)
        within.update(dict.fromkeys(frames, int(count)))
    total = itself.total()
    if not total:
        return "it did nothing\n"
    lines = [f"{total} samples at 200 a second"]
    for title, counted in (("in the function itself", itself), ("in it and what it calls", within)):
        lines += [title, *(f"  {count / total:6.1%}  {name}" for name, count in counted.most_common(most)), ""]
    return "\n".join(lines)
