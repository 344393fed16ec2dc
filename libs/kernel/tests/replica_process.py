"""One replica of a service that counts, as a process: run by test_replicas.py, told by its environment."""

import asyncio
import json
import sys
from dataclasses import dataclass, field

from counting import skipped

from murmur_events.training import TrainingRequested
from murmur_kernel.consuming import react
from murmur_kernel.documents import Kind
from murmur_kernel.service import Service
from murmur_kernel.settings import KernelSettings
from murmur_kernel.unit_of_work import Collection, UnitOfWork


@dataclass(frozen=True)
class Tally:
    """What was handled of one key, in the order in which it was."""

    workflow: str
    handled: tuple[str, ...] = field(default=())


TALLIES = Kind("tally", Tally, key=lambda tally: tally.workflow)


class TallyUnitOfWork(UnitOfWork):
    @property
    def tallies(self) -> Collection[Tally]:
        return self.collection(TALLIES)


async def tally(event: TrainingRequested, uow: TallyUnitOfWork) -> None:
    before = await uow.tallies.get(event.workflow) or Tally(event.workflow)
    uow.tallies.save(Tally(event.workflow, (*before.handled, event.trigger.reason)))
    uow.publish(skipped(event.workflow, event.trigger.reason))


async def main() -> None:
    service = Service(
        "trainer",
        KernelSettings(),
        unit_of_work=TallyUnitOfWork,
        kinds=(TALLIES,),
        subscriptions=(react(TrainingRequested, tally),),
    )
    async with service.lifespan():
        sys.stdout.write(json.dumps({"ready": service.settings.replica}) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
