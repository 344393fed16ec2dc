"""What can go wrong while a flock is raised, watched or ended; each error says why and what to do next.

RuntimeProblem
├── OtherProfile         this home holds a flock of another profile
├── PortTaken            another process listens where this flock wants to
├── DownloadFailed       a jar could not be fetched
├── JarCorrupt           a jar differs from the lock
├── BrokerNotFormatted   Kafka refused to format its storage
├── TopicsNotCreated     the broker refused topics of the catalog
├── RulesNotApplied      the broker refused users or rules of the catalog
├── BrokerWithoutUsers   --secure for a broker that was formatted without users
├── NotReadyInTime       a process did not become ready
├── KeepsFailing         a process ends again and again
├── SupervisorLost       the supervisor ended while it was being waited for
├── BackupFailed         a backup could not be taken
├── BackupUnusable       a folder is no whole backup
├── RestoreFailed        the files of a backup could not be put in place
└── StillAlive           processes that survived SIGKILL
"""

from pathlib import Path


class RuntimeProblem(Exception):
    """The root: `str()` is what is wrong and why, `advice` is what to do next."""

    def __init__(self, message: str, *, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class OtherProfile(RuntimeProblem):
    def __init__(self, home: Path, recorded: str, wanted: str) -> None:
        super().__init__(
            f"{str(home)!r} holds a flock of the profile {recorded!r}, not {wanted!r}: their brokers' logs do not fit",
            advice="Take another home for this one: MURMUR_HOME=<another folder> murmur up --profile " + wanted,
        )


class PortTaken(RuntimeProblem):
    def __init__(self, port: int, purpose: str, owner: str) -> None:
        super().__init__(
            f"port {port} ({purpose}) is taken by {owner}",
            advice="End that process, or choose other ports: MURMUR_PORT=<another> murmur up",
        )
        self.port = port
        self.purpose = purpose
        self.owner = owner


class DownloadFailed(RuntimeProblem):
    def __init__(self, coordinate: str, reason: str) -> None:
        super().__init__(
            f"could not download {coordinate!r}: {reason}",
            advice="Check the connection to Maven Central and run the same command again: what is there is kept.",
        )


class JarCorrupt(RuntimeProblem):
    def __init__(self, path: Path, expected: str, found: str) -> None:
        super().__init__(
            f"{str(path)!r} has sha256 {found[:16]}…, the lock says {expected[:16]}…",
            advice="What answered for Maven Central sent something else than was locked: ask who runs the mirror.",
        )


class BrokerNotFormatted(RuntimeProblem):
    def __init__(self, output: str, log: Path) -> None:
        super().__init__(f"Kafka could not format its storage: {output}", advice=f"Read {str(log)!r}.")


class KeyUnreadable(RuntimeProblem):
    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{str(path)!r} (MURMUR_KAFKA_KEY) is no private key that the broker can use: {reason}",
            advice="Give a PEM file without a passphrase: openssl pkey -in <key> -out <another file>",
        )


class TopicsNotCreated(RuntimeProblem):
    def __init__(self, refused: dict[str, str]) -> None:
        reasons = ", ".join(f"{name} ({reason})" for name, reason in sorted(refused.items()))
        super().__init__(f"the broker refused topics: {reasons}", advice="Read the broker's log: murmur logs kafka")


class RulesNotApplied(RuntimeProblem):
    def __init__(self, brokers: str, reason: str) -> None:
        super().__init__(
            f"users and rules could not be given to {brokers}: {reason}",
            advice="Read the broker's log: murmur logs kafka; it must be reached as its administrator.",
        )


class BrokerWithoutUsers(RuntimeProblem):
    def __init__(self, home: Path) -> None:
        super().__init__(
            f"the broker of {str(home)!r} was formatted without users, and Kafka makes the first one only then",
            advice="Begin a secure flock in a home of its own: MURMUR_HOME=<another> murmur up --secure",
        )


class NotReadyInTime(RuntimeProblem):
    def __init__(self, waiting_for: str, seconds: float, detail: str, advice: str) -> None:
        super().__init__(f"{waiting_for} not ready after {seconds:.0f} s: {detail}", advice=advice)


class KeepsFailing(RuntimeProblem):
    def __init__(self, process: str, how: str, last_lines: list[str]) -> None:
        quoted = "".join(f"\n    {line[:300]}" for line in last_lines) or " it wrote nothing"
        super().__init__(
            f"{process} does not come up: {how}. The end of its log:{quoted}",
            advice=f"murmur logs {process}; the supervisor goes on trying, murmur down ends it.",
        )
        self.process = process


class SupervisorLost(RuntimeProblem):
    def __init__(self, detail: str, log: Path) -> None:
        super().__init__(
            f"the supervisor ended before the flock was ready: {detail}",
            advice=f"Read {str(log)!r}, then run murmur up again: it goes on where it was.",
        )


class BackupFailed(RuntimeProblem):
    def __init__(self, folder: Path, reason: str, *, advice: str) -> None:
        super().__init__(f"no backup: {str(folder)!r}: {reason}", advice=advice)


class BackupUnusable(RuntimeProblem):
    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"{str(folder)!r} is not a backup that can be restored: {reason}",
            advice="Nothing was changed. Use another backup: murmur backup --help says how they are made.",
        )


class RestoreFailed(RuntimeProblem):
    """lies: where the former state had to be left, None where it is in its place."""

    def __init__(self, source: Path, root: Path, reason: str, *, lies: Path | None = None) -> None:
        where = f"lies in {str(lies)!r}: rename it back" if lies else "is where it was"
        super().__init__(
            f"{str(source)!r} was not restored to {str(root)!r}: {reason}",
            advice=f"The former state {where}; make room or rights there and restore again.",
        )
        self.lies = lies


class StillAlive(RuntimeProblem):
    def __init__(self, processes: list[str]) -> None:
        super().__init__(
            f"these processes survived SIGKILL: {'; '.join(processes)}",
            advice="They hang in the kernel (often a dead disk or mount); look at dmesg.",
        )
