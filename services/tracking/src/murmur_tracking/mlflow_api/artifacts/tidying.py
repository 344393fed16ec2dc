"""What a killed process left half received is taken away when the next one starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from murmur_kernel.artifacts import ArtifactStore
from murmur_kernel.errors import Transient

log = structlog.get_logger()


@asynccontextmanager
async def tidied(store: ArtifactStore) -> AsyncIterator[None]:
    """For Service.resource. A store that does not answer is no reason not to start: it is tidied the next time."""
    try:
        swept = await store.sweep()
    except Transient as error:
        log.warning("artifacts not tidied", reason=str(error))
    else:
        if swept:
            log.info("half received artifacts taken away", count=swept)
    yield
