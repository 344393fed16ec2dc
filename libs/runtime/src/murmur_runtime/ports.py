"""Which ports are taken, and by whom: the name of the owner is what a person needs to get on."""

import contextlib
import errno
import random
import socket

import psutil


def listening(host: str, port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, port)) == 0


def taken(host: str, port: int) -> bool:
    """Whether a server could not bind there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def owner_of(port: int) -> psutil.Process | None:
    """The process that listens on a TCP port, if this user may see it."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid:
            with contextlib.suppress(psutil.NoSuchProcess):
                return psutil.Process(connection.pid)
    return None


def describe(process: psutil.Process | None) -> str:
    """One line that names a process: pid and command line."""
    if process is None:
        return "a process of another user"
    try:
        line = " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return f"pid {process.pid}"
    return f"pid {process.pid}: {line[:160]}{'…' if len(line) > 160 else ''}"


def free_front_door(host: str = "127.0.0.1", *, span: int = 20) -> int:
    """A front door whose first `span` ports are all free now: for tests and for a second flock on one machine.

    It lies below the range from which clients get their ports, so that no client takes one before the flock does.
    """
    for _ in range(50):
        first = random.randrange(10_000, 32_000)
        if not any(taken(host, port) for port in range(first, first + span)):
            return first
    raise RuntimeError(f"no {span} free ports in a row on {host!r} after 50 tries: close some listeners")
