"""Labels by REST: what a caller knows by now of predictions that were made before."""

from dataclasses import dataclass
from datetime import timedelta

from murmur_events.base import DeploymentName
from murmur_events.serving import FeedbackRecorded
from murmur_monitor.domain.labels import Label, usable
from murmur_monitor.repository import MonitorUnitOfWork
from murmur_monitor.schemas import Taken


@dataclass(frozen=True)
class GiveFeedback:
    """clock_skew: how far in the future a label's time may lie."""

    deployment: str
    source: str
    labels: tuple[Label, ...]
    clock_skew: timedelta


async def give_feedback(command: GiveFeedback, uow: MonitorUnitOfWork) -> Taken:
    """Say it as feedback.recorded: from there on it is joined. Raises Missing (not watched) or NotUsable."""
    watch = await uow.watches.require(command.deployment)
    labels = usable(command.labels, latest=uow.now + command.clock_skew)
    chain = uow.publish(
        FeedbackRecorded(
            deployment=DeploymentName(watch.deployment),
            shard=0,
            request_ids=tuple(one.request_id for one in labels),
            times=tuple(one.at or uow.now for one in labels),
            labels=tuple(one.label for one in labels),
            source=command.source,
        )
    )
    return Taken(deployment=watch.deployment, labels=len(labels), correlation_id=chain.correlation_id)
