"""Whether the disk has room: a nearly full one is told by readiness before anybody runs into it."""

import asyncio
import shutil
from pathlib import Path

RESERVE = 16 * 2**20
"""Bytes. With less, any write may be the one that fails: the stores, the broker and the logs all append."""


async def has_room(place: Path) -> tuple[bool, str]:
    """For readiness: False with the number of bytes that are left on the disk of `place`."""
    free = await asyncio.to_thread(_free, place)
    if free >= RESERVE:
        return True, f"{free / 2**20:,.0f} MiB free"
    return False, (
        f"the disk of {place} has {free / 2**20:.1f} MiB left: make room, or nothing more is taken in;"
        f" nothing that was acknowledged is lost"
    )


def _free(place: Path) -> int:
    """A folder that does not exist yet will be made on the disk of the nearest one that does."""
    place = place.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free
