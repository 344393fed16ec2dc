"""Runs a worker as a child that cannot outlive, outgrow or outlast what it was given.

    result = await run_worker(spec, limits, on_messages)

The child leads a session, and so a process group, of its own. Its wall time and the resident memory of its whole
process tree are watched from here; past either limit, or when this coroutine is cancelled, the tree is killed. When
this process dies the child dies with it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import ValidationError

from murmur_events.workflows import Limits
from murmur_training.feed import Feed
from murmur_training.messages import Message
from murmur_training.spec import LOG, RESULT, RESULT_ADAPTER, SPEC, Failed, WorkerResult, WorkerSpec

POLL = 0.2
"""Seconds between two looks at the child's memory."""
DRAIN = 5.0
"""Seconds that an ended child's pipes may stay open: a grandchild that left the group may hold them."""
ADDRESS_SPACE = 16 * 2**30
"""Bytes of address space beyond the memory limit. Libraries reserve far more than they touch; this only stops what
could exhaust the machine between two looks."""

OnMessages = Callable[[tuple[Message, ...]], Awaitable[None]]


@dataclass(frozen=True)
class _Exited:
    code: int


@dataclass(frozen=True)
class _OutOfTime:
    pass


@dataclass(frozen=True)
class _OutOfMemory:
    seen: int


_Ending = _Exited | _OutOfTime | _OutOfMemory


async def run_worker(spec: WorkerSpec, limits: Limits, on_messages: OnMessages) -> WorkerResult:
    """One training, from start to its result. Cancelling it kills the child before the cancellation goes on.

    `on_messages` gets what the child said in batches, in order, at most two a second, the last one before this returns;
    what it raises ends the training. Everything the child printed is in `worker.log` of the work folder, whatever the
    batches left out. A result file of an earlier attempt in the same folder does not count.
    """
    spec.work.mkdir(parents=True, exist_ok=True)
    spec.data_dir.mkdir(parents=True, exist_ok=True)
    (spec.work / RESULT).unlink(missing_ok=True)
    (spec.work / SPEC).write_text(spec.model_dump_json(indent=2))
    async with Feed(spec.work / LOG, on_messages) as feed:
        process = await asyncio.create_subprocess_exec(
            *_command(spec, feed.messages, limits),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=feed.output,
            stderr=feed.output,
            pass_fds=(feed.messages,),
            start_new_session=True,
            cwd=spec.work,
            env=child_environment(os.environ, threads=spec.threads),
        )
        try:
            feed.started()
            ending = await _ending(process, limits, feed)
            kill_tree(process.pid)
            await feed.drained(DRAIN)
        finally:
            kill_tree(process.pid)
            await process.wait()
    return _result(ending, spec, limits)


def child_environment(ours: Mapping[str, str], *, threads: int) -> dict[str, str]:
    """What a child may know: the machine's environment without the platform's settings, which hold secrets.

    MURMUR_FLOCK stays, since `murmur down` finds orphans by it. Threads wait asleep: where cores are few and busy,
    threads that spin while they wait make XGBoost ten times as slow. Threads are few and hashes fixed, so that the same
    training gives the same model.
    """
    kept = {name: value for name, value in ours.items() if not name.startswith("MURMUR_") or name == "MURMUR_FLOCK"}
    few = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads)
    )
    return kept | few | {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}


def kill_tree(pid: int) -> None:
    """Kills the child, its group, and descendants that left the group. Those already gone are no error."""
    try:
        family = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    for kill in (lambda: os.killpg(pid, signal.SIGKILL), *(member.kill for member in family)):
        try:
            kill()
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue


def tree_memory(pid: int) -> int:
    """Resident bytes of a process and its descendants; 0 when it is gone. Pages that they share count for each."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        return 0
    return total


def _command(spec: WorkerSpec, messages: int, limits: Limits) -> tuple[str, ...]:
    backstop = 2 * limits.memory + ADDRESS_SPACE
    interpreter = str(spec.interpreter or sys.executable)
    return (
        *(interpreter, "-P", "-m", "murmur_training.worker", str(spec.work / SPEC)),
        *("--messages", str(messages), "--parent", str(os.getpid()), "--address-space", str(backstop)),
    )


async def _ending(process: asyncio.subprocess.Process, limits: Limits, feed: Feed) -> _Ending:
    """Waits for whichever comes first. Raises what the feed raises: messages that cannot be handed on end the
    training."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limits.time.total_seconds()
    exited = asyncio.create_task(process.wait())
    try:
        while True:
            await asyncio.wait(
                {exited, feed.failed}, timeout=min(POLL, deadline - loop.time()), return_when="FIRST_COMPLETED"
            )
            if feed.failed.done():
                feed.failed.result()
            if exited.done():
                return _Exited(exited.result())
            if loop.time() >= deadline:
                return _OutOfTime()
            used = await asyncio.to_thread(tree_memory, process.pid)
            if used > limits.memory:
                return _OutOfMemory(used)
    finally:
        exited.cancel()


def _result(ending: _Ending, spec: WorkerSpec, limits: Limits) -> WorkerResult:
    match ending:
        case _OutOfTime():
            return Failed(
                cause="out_of_time",
                message=f"the training took longer than training.limits.time of {limits.time.total_seconds():g} s and"
                f" was ended: do less in it, or raise the limit",
            )
        case _OutOfMemory(seen):
            return Failed(
                cause="out_of_memory",
                message=f"the training used {seen / 2**20:,.0f} MiB, more than training.limits.memory of"
                f" {limits.memory / 2**20:,.0f} MiB, and was ended: keep fewer rows or copies, or raise the limit",
            )
        case _Exited(code):
            return _reported(code, spec)


def _reported(code: int, spec: WorkerSpec) -> WorkerResult:
    try:
        return RESULT_ADAPTER.validate_json((spec.work / RESULT).read_bytes())
    except (FileNotFoundError, ValidationError):
        how = f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        last = _last_line(spec.work / LOG)
        said = f"; its last line was {last!r}" if last else ""
        return Failed(cause="killed", message=f"the training's process was ended {how} before it had a result{said}")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][:500] if lines else ""
