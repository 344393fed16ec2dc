"""HTTP by raw sockets and prepared bytes, so that what is timed is the server and hardly the client."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Self
from urllib.parse import urlsplit

PATIENCE = 120.0
"""Seconds without any answer, after which a server counts as stuck."""


class Refused(RuntimeError):
    """The server did not do what was asked, or spoke otherwise than over a connection that is kept."""


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @classmethod
    def of(cls, uri: str) -> "Address":
        """Raises ValueError."""
        parts = urlsplit(uri)
        if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"{uri!r} is no address of a server: give http://host:port, without a path")
        return cls(parts.hostname, parts.port or 80)

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
        return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes

    @property
    def well(self) -> bool:
        return 200 <= self.status < 300

    def __str__(self) -> str:
        return f"{self.status}: {self.body[:600].decode(errors='replace')}"


@dataclass(frozen=True)
class Timed:
    """Turns per second, and milliseconds a turn. refused: turns that the server did not carry out, counted apart."""

    per_second: float
    p50: float
    p95: float
    p99: float
    turns: int
    refused: int = 0

    @classmethod
    def of(cls, took: Sequence[float], elapsed: float, refused: int = 0) -> "Timed":
        """took: seconds of each turn, at least one."""
        cuts = quantiles(took, n=100, method="inclusive") if len(took) > 1 else [took[0]] * 99
        p50, p95, p99 = (cuts[at - 1] * 1000 for at in (50, 95, 99))
        return cls(len(took) / elapsed, p50, p95, p99, len(took), refused)


@dataclass
class Connection:
    """quick: delayed acknowledgements are off for each answer, which ends the wait of a server that sends head and body
    apart under Nagle's algorithm; without it the client is one as libraries make it."""

    address: Address
    quick: bool
    _got: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.socket = socket.create_connection((self.address.host, self.address.port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> None:
        self.socket.sendall(request)
        self._hasten()

    def read(self) -> Answer | None:
        """What has arrived: the answer once it is whole. Raises Refused."""
        part = self.socket.recv(1 << 20)
        if not part:
            raise Refused(f"the server hung up after {bytes(self._got[:200])!r}")
        self._got += part
        answer = whole(self._got)
        if answer is None:
            self._hasten()
        else:
            self._got.clear()
        return answer

    def ask(self, request: bytes) -> bytes:
        """The body. Raises Refused, TimeoutError."""
        self.send(request)
        while (answer := self.read()) is None:
            pass
        if not answer.well:
            raise Refused(str(answer))
        return answer.body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _hasten(self) -> None:
        if self.quick:  # the kernel forgets it after a while: so before each read
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def whole(got: bytearray) -> Answer | None:
    """The one answer that `got` holds, None while it is not all there. Raises Refused."""
    head_ends = got.find(b"\r\n\r\n")
    if head_ends < 0:
        return None
    first, *lines = bytes(got[:head_ends]).lower().split(b"\r\n")
    headers = {name.strip(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    if headers.get(b"connection") == b"close":
        raise Refused(
            "the server closes each connection: what is measured here is asked over connections that are kept"
        )
    rest = got[head_ends + 4 :]
    status = int(first.split()[1])
    if headers.get(b"transfer-encoding") == b"chunked":
        return Answer(status, _of_chunks(rest)) if rest.endswith(b"0\r\n\r\n") else None
    if len(rest) < int(headers.get(b"content-length", b"0")):
        return None
    return Answer(status, bytes(rest))


def _of_chunks(rest: bytearray) -> bytes:
    body, at = bytearray(), 0
    while True:
        line_ends = rest.index(b"\r\n", at)
        size = int(bytes(rest[at:line_ends]).partition(b";")[0], 16)
        if size == 0:
            return bytes(body)
        body += rest[line_ends + 2 : line_ends + 2 + size]
        at = line_ends + 4 + size
