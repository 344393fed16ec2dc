"""Finds what is wrong with the machine or the flock, and says of each finding what to do about it.

Each judgement is a function of plain values; `examine` collects the values.
"""

import asyncio
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import psutil

from murmur_runtime.flock import Status, status
from murmur_runtime.home import Home
from murmur_runtime.living import taken_by_others
from murmur_runtime.nodes import nodes
from murmur_runtime.reports import ServiceReport, reports_of
from murmur_runtime.settings import SERVICE_OFFSETS, FlockSettings
from murmur_runtime.state import Phase

GIB = 1024**3
_LAG_THAT_MATTERS = 100
_OUTBOX_SECONDS = 30.0
_BETWEEN_LOOKS = 2.0
_RESTARTS_THAT_MATTER = 3


class Severity(StrEnum):
    FINE = "fine"
    WARNING = "warning"
    """Works now; look at it soon."""
    PROBLEM = "problem"
    """Something does not work, or will not when it is started."""


@dataclass(frozen=True)
class Finding:
    """advice: what to do; empty when all is well."""

    subject: str
    severity: Severity
    message: str
    advice: str = ""


async def examine(settings: FlockSettings, *, between_looks: float = _BETWEEN_LOOKS) -> list[Finding]:
    """Everything there is to say, the machine first. Looks at the services twice, to see what grows."""
    home = Home(settings.home)
    now = status(settings)
    folder = _existing(home.root)
    findings = [
        python_version(sys.version_info[:2]),
        memory(psutil.virtual_memory().available, running=now is not None),
        disk(shutil.disk_usage(folder).free, folder),
        clock(datetime.now(UTC), _newest(home)),
        *supervision(now),
    ]
    if now is None or now.supervisor is None:
        findings += ports(_taken_by_others(settings, home))
    if now is not None:
        findings += processes(now)
        first = await reports_of(settings, now)
        await asyncio.sleep(between_looks if first else 0)
        findings += services(first, await reports_of(settings, now))
    return findings


def python_version(version: tuple[int, ...]) -> Finding:
    name = ".".join(map(str, version))
    if version < (3, 11):
        return Finding("python", Severity.PROBLEM, f"Python {name} is too old", "Install Python 3.11 or newer.")
    return Finding("python", Severity.FINE, f"Python {name}")


def memory(available: int, *, running: bool) -> Finding:
    """The whole flock takes about 1.5 GiB."""
    text = f"{available / GIB:.1f} GiB available"
    needed = 0.3 if running else 2.0
    if available < needed * GIB:
        advice = "End other programs, or give the broker less: MURMUR_BROKER_MEMORY=256m"
        return Finding("memory", Severity.WARNING, f"only {text}, {needed} GiB are wanted", advice)
    return Finding("memory", Severity.FINE, text)


def disk(free: int, folder: Path) -> Finding:
    text = f"{free / GIB:.1f} GiB free in {str(folder)!r}"
    advice = "Free some space: when the disk is full, nothing new is accepted until there is room again."
    if free < 0.5 * GIB:
        return Finding("disk", Severity.PROBLEM, f"only {text}", advice)
    if free < 2 * GIB:
        return Finding("disk", Severity.WARNING, f"only {text}", advice)
    return Finding("disk", Severity.FINE, text)


def clock(now: datetime, newest: datetime | None) -> Finding:
    """A clock that was set back makes timers late and windows wrong; files of the flock remember the later time."""
    if now.year < 2026:
        return Finding("clock", Severity.PROBLEM, f"it is not {now:%Y-%m-%d}", "Set the clock of this machine.")
    if newest is not None and newest - now > timedelta(seconds=5):
        back = newest - now
        message = f"the clock was set back: the flock's files are {back.total_seconds():.0f} s in the future"
        return Finding("clock", Severity.PROBLEM, message, "Set the clock (NTP); timers wait until it has caught up.")
    return Finding("clock", Severity.FINE, f"{now:%Y-%m-%d %H:%M:%S} UTC")


def supervision(now: Status | None) -> list[Finding]:
    if now is None:
        return [Finding("flock", Severity.FINE, "not up", "Start it with murmur up.")]
    if now.supervisor is None:
        message = "nobody supervises this flock: its supervisor was killed, or the machine was started anew"
        return [Finding("flock", Severity.PROBLEM, message, "murmur up goes on where it was.")]
    return [Finding("flock", Severity.FINE, f"supervised by pid {now.supervisor}")]


def ports(taken_by: Iterable[tuple[int, str, str]]) -> list[Finding]:
    """From (port, what for, owner)."""
    return [
        Finding(
            "port",
            Severity.PROBLEM,
            f"{port} ({purpose}) is taken by {owner}",
            "End that process, or choose other ports: MURMUR_PORT=<another> murmur up",
        )
        for port, purpose, owner in taken_by
    ]


def processes(now: Status) -> list[Finding]:
    findings = []
    for process in now.processes:
        logs = f"murmur logs {process.name}"
        restarted = f", restarted {process.restarts} times" if process.restarts else ""
        if process.phase is not Phase.READY:
            reason = f": {process.detail}" if process.detail else ""
            message = f"{process.phase}{reason}{restarted}"
            findings.append(Finding(process.name, Severity.PROBLEM, message, f"Look at {logs}"))
        elif process.restarts >= _RESTARTS_THAT_MATTER:
            findings.append(Finding(process.name, Severity.WARNING, f"ready{restarted}", f"Look at {logs}"))
        else:
            findings.append(Finding(process.name, Severity.FINE, f"ready, pid {process.pid}{restarted}"))
    return findings


def services(before: dict[str, ServiceReport], after: dict[str, ServiceReport]) -> list[Finding]:
    """From two looks, a moment apart."""
    findings: list[Finding] = []
    for name, report in after.items():
        findings += _service(before.get(name, report), report)
    return findings


def _service(before: ServiceReport, after: ServiceReport) -> Iterator[Finding]:
    name = after.service
    logs = f"Look at murmur logs {name}"

    def warn(message: str, advice: str) -> Finding:
        return Finding(name, Severity.WARNING, message, advice)

    if after.lag >= _LAG_THAT_MATTERS and after.lag > before.lag:
        message = f"falls behind: {after.lag:,} events are not handled yet, {after.lag - before.lag:+,} just now"
        yield warn(message, logs)
    if after.outbox and after.outbox_age_s >= _OUTBOX_SECONDS:
        message = f"{after.outbox:,} events wait for {after.outbox_age_s:.0f} s to be published"
        yield warn(message, f"Is the broker well? {logs} kafka")
    if after.parked:
        message = f"{after.parked:,} events wait for another one to come first"
        yield warn(message, "They are released when it comes, or become dead letters: murmur dead-letters list")
    if after.dead_letters:
        message = f"{after.dead_letters:,} events could not be handled"
        yield warn(message, "murmur dead-letters list, then redrive or discard each")
    if failed := after.jobs.get("failed"):
        yield warn(f"{failed:,} jobs failed for good", logs)


def _taken_by_others(settings: FlockSettings, home: Home) -> Iterator[tuple[int, str, str]]:
    wanted = {
        settings.ports.front_door: "envoy",
        settings.ports.envoy_admin: "envoy's admin",
        **{node.port: node.name for node in nodes(settings, home)},
        **{node.controller: f"{node.name}'s controller" for node in nodes(settings, home)},
        **{
            settings.ports.service(name, replica): name
            for name in SERVICE_OFFSETS
            for replica in range(settings.copies_of(name))
        },
    }
    return taken_by_others(settings.inner_host, home, wanted)


def _newest(home: Home) -> datetime | None:
    """When the flock's own bookkeeping was last written, by the clock of that time."""
    times = [path.stat().st_mtime for path in (home.state, home.plan) if path.exists()]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder
