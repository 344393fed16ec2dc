"""Troubles: what a service cannot get over by itself, told once when it begins and once when it has ended.

Whoever waits sets a timer; should it fire, the trouble begins; whenever the fact comes after all, it ends. The monitor
makes `alert.raised` and `alert.resolved` of them.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from murmur_events.catalog import topic_of_service
from murmur_events.troubles import TroubleReported
from murmur_kernel.documents import Kind
from murmur_kernel.unit_of_work import Chain, Collection, UnitOfWork

Severity = Literal["warning", "critical"]


class TroubleState(StrEnum):
    BEGAN = "began"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """The last that was told of it. `chain` is where its beginning stands: its end continues there."""

    id: str
    state: TroubleState
    about: str
    severity: Severity
    title: str
    detail: str
    since: datetime
    chain: Chain


TROUBLES = Kind("trouble", Trouble, key=lambda trouble: trouble.id, indexes=("state",))


async def begin(
    unit: UnitOfWork, trouble: str, *, about: str, title: str, detail: str, severity: Severity = "warning"
) -> None:
    """Tell of it, unless it has begun already and not ended."""
    known = await _troubles(unit).get(trouble)
    if known is not None and known.state is TroubleState.BEGAN:
        return
    begun = Trouble(
        id=trouble,
        state=TroubleState.BEGAN,
        about=about,
        severity=severity,
        title=title,
        detail=detail,
        since=unit.now,
        chain=unit.chain,
    )
    _troubles(unit).save(replace(begun, chain=_tell(unit, begun)))


async def end(unit: UnitOfWork, trouble: str, detail: str) -> None:
    """Tell that it is over; nothing where it never began."""
    known = await _troubles(unit).get(trouble)
    if known is None or known.state is TroubleState.ENDED:
        return
    ended = replace(known, state=TroubleState.ENDED, detail=detail)
    _tell(unit, ended)
    _troubles(unit).save(ended)


async def open_troubles(unit: UnitOfWork, prefix: str) -> list[Trouble]:
    """Those that have begun and not ended and whose id begins so."""
    page = await _troubles(unit).find(where={"state": TroubleState.BEGAN}, limit=1000)
    return [trouble for trouble in page.items if trouble.id.startswith(prefix)]


def _troubles(unit: UnitOfWork) -> Collection[Trouble]:
    return unit.collection(TROUBLES)


def _tell(unit: UnitOfWork, trouble: Trouble) -> Chain:
    event = TroubleReported(
        trouble=trouble.id,
        service=unit.source,
        state=trouble.state.value,
        about=trouble.about,
        severity=trouble.severity,
        title=trouble.title,
        detail=trouble.detail,
    )
    return unit.publish_as(topic_of_service(TroubleReported, unit.source).name, trouble.id, event)
