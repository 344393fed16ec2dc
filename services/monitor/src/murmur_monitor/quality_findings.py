"""What the labels of a window lead to: the window once more, with its quality, under its next revision."""

from dataclasses import dataclass, replace

from murmur_monitor.domain.measured import window_id
from murmur_monitor.domain.quality import MetricName, Quality
from murmur_monitor.domain.windows import Window
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.telling import told


@dataclass(frozen=True)
class WindowLabelled:
    """A finding of the quality scan: how good one window's predictions were, by the labels that are known by now."""

    deployment: str
    version: int
    window: Window
    metric: MetricName
    quality: Quality


async def record_quality(finding: WindowLabelled, uow: MonitorUnitOfWork) -> int:
    """Publish the window again, with what its labels tell. Returns its revision, 0 where the window is not known.

    The same labels change nothing, and fewer of them neither: those come from a book that is being read anew.
    """
    before = await uow.windows.get(window_id(finding.deployment, finding.version, finding.window.starts_at))
    if before is None:
        return 0
    if finding.quality.labelled < before.quality.labelled or finding.quality == before.quality:
        return before.revision
    measured = replace(before, revision=before.revision + 1, quality=finding.quality)
    uow.publish(told(measured))
    uow.windows.save(measured)
    return measured.revision
