"""What one window does to an episode of its deployment: the same steps for drift and for degradation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from murmur_kernel.unit_of_work import Chain, Collection
from murmur_monitor import alerting
from murmur_monitor.domain.episodes import Episode, Standing, Step
from murmur_monitor.domain.measured import MeasuredWindow
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.telling import told

E = TypeVar("E", bound=Episode)


@dataclass(frozen=True)
class Course(Generic[E]):
    """What one kind of episode does differently.

    belongs: the episode that the window belonged to before, by fewer rows or labels
    begin:   publishes what opens an episode, which the unit of work then continues from, and makes the episode of it
    begun, over: how a window that opens or closes it is told to people: "version 1 {begun}", "the window {over}"
    detail:  what the alert says of the window that opens it
    """

    episodes: Collection[E]
    belongs: str | None
    begin: Callable[[], Awaitable[E]]
    begun: str
    over: str
    detail: str


async def follow(
    measured: MeasuredWindow, bad: bool | None, standing: Standing, course: Course[E], uow: MonitorUnitOfWork
) -> tuple[Standing, str | None]:
    """Publish the window, and take the step. Where the deployment stands then, and the window's episode.

    bad: None for a window that tells nothing of the version that serves. What belongs to an episode keeps its
    correlation; a window that is found again counts once in it, and one that takes no step stays in its episode.
    """
    episode = None if standing.episode is None else await course.episodes.require(standing.episode)
    if episode is not None:
        uow.resume(Chain(episode.correlation_id, episode.cause))
    uow.publish(told(measured))
    belongs = course.belongs
    match standing.step(measured.start, bad):
        case Step.OPEN:
            episode = await _opened(measured, course, uow)
            belongs = episode.id
        case Step.CONTINUE if episode is not None:
            if belongs != episode.id:
                course.episodes.save(episode.continued())
            belongs = episode.id
        case Step.CLOSE if episode is not None:
            await _close(episode, measured, course, uow)
            belongs, episode = episode.id, None
        case _:
            pass
    return standing.after(measured.start, bad, episode=None if episode is None else episode.id), belongs


async def _opened(measured: MeasuredWindow, course: Course[E], uow: MonitorUnitOfWork) -> E:
    """The first bad window: its episode begins, and retraining starts from the event."""
    episode = await course.begin()
    course.episodes.save(episode)
    title = f"{measured.deployment} version {measured.version} {course.begun}"
    await alerting.raise_once(
        uow, episode.alert, measured.deployment, severity="warning", title=title, detail=course.detail
    )
    return episode


async def _close(episode: E, measured: MeasuredWindow, course: Course[E], uow: MonitorUnitOfWork) -> None:
    course.episodes.save(episode.closed(uow.now))
    alert = await uow.alerts.require(episode.alert)
    start = f"{measured.start:%Y-%m-%d %H:%M:%S}"
    alerting.resolve(uow, alert, f"the window of version {measured.version} from {start} UTC {course.over}")
