"""What a full disk of this machine is called: something that passes, so that whatever needs room waits for it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from murmur_kernel.errors import NoSpace

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def room_for(what: str) -> Iterator[None]:
    """Raises NoSpace where the disk is full; every other error stays what it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise NoSpace(f"no room for {what}: {error}; make room on its disk and it goes on, or repeat it") from error
