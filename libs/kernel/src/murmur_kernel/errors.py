"""The errors of the kernel; their tree is in the package's docstring."""


class KernelError(Exception):
    """The root of the kernel's errors."""


class Missing(KernelError):
    """A document that is needed is not there."""

    def __init__(self, kind: str, document_id: str) -> None:
        super().__init__(f"no {kind} {document_id!r} is known here")
        self.kind = kind
        self.document_id = document_id


class Conflict(KernelError):
    """A document changed between its reading and its saving."""

    def __init__(self, kind: str, document_id: str) -> None:
        super().__init__(
            f"{kind} {document_id!r} was changed by somebody else meanwhile: read it again and decide anew"
        )


class BadCursor(KernelError):
    """A page cursor that no page gave."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"cursor {cursor!r} did not come from a page: repeat the call without it")


class Duplicate(KernelError):
    """The unit of work under this mark was committed before."""

    def __init__(self, mark: str) -> None:
        super().__init__(f"{mark!r} was handled before")


class LeaseLost(KernelError):
    """A job's attempt is no longer the current one."""

    def __init__(self, job_id: str, attempt: int) -> None:
        super().__init__(f"attempt {attempt} of job {job_id!r} was taken over or ended: its result is not recorded")


class Refused(KernelError):
    """A rule of the domain says no; the message tells why and what would be allowed."""


class Transient(KernelError):
    """Something that this process depends on does not answer; the same may succeed later."""


class StoreUnavailable(Transient):
    """The store could not write or read: disk full, file locked, server gone."""


class NoSpace(Transient):
    """A disk is full: nothing more is taken in until there is room; nothing that was acknowledged is lost."""


class StoreFull(NoSpace, StoreUnavailable):
    """The disk of the store is full."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"cannot write the store {path}: {reason}; nothing acknowledged is lost: make room on its disk and repeat"
        )


class Unacceptable(KernelError):
    """The store answers, and will never keep this: MongoDB has an end at documents of 16 MB."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the store will not keep this: {reason}; put what is large into an artifact")


class EventTooLarge(KernelError):
    """An event that no broker would take: it is refused where it is published, and nothing of its unit happens."""

    def __init__(self, topic: str, key: str, size: int, limit: int) -> None:
        super().__init__(
            f"{topic} of {key[:200]!r} would be a record of {size:,} bytes, and brokers take {limit:,}:"
            f" shorten its texts, or put what is large into an artifact and name that"
        )


class PublishingForbidden(KernelError):
    """A projection only saves."""

    def __init__(self, event: str) -> None:
        super().__init__(f"a projection tried to publish {event}: subscribe with react(...) if it must")


class ReadOnly(KernelError):
    """A query only reads."""

    def __init__(self, handler: str) -> None:
        super().__init__(f"the query {handler!r} tried to change something: call it with change(...) if it must")


class ArtifactError(KernelError):
    """An artifact cannot be had as it was stored."""


class ArtifactMissing(ArtifactError):
    def __init__(self, uri: str) -> None:
        super().__init__(
            f"the artifact {uri} is not in the store: it was deleted, or MURMUR_ARTIFACTS points elsewhere"
        )
        self.uri = uri


class ArtifactCorrupt(ArtifactError):
    def __init__(self, uri: str, expected: str, found: str) -> None:
        super().__init__(
            f"the artifact {uri} was changed after it was stored: expected sha256 {expected}, found {found}"
        )
        self.uri = uri
        self.expected = expected
        self.found = found
