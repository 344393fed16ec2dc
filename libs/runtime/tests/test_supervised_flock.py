"""The supervisor with tiny services: what is killed comes back, what lives is adopted, nothing happens twice.

The tests of this module share one flock; each begins by raising what is missing of it.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator

import httpx
import pytest

from murmur_runtime import doctor, flock, living
from murmur_runtime.errors import NotReadyInTime
from murmur_runtime.home import Home
from murmur_runtime.keeper import Timing
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members, ProcessSpec
from murmur_runtime.progress import Progress, Step
from murmur_runtime.settings import FlockSettings
from murmur_runtime.state import FlockState, Phase, ProcessState, read_state
from murmur_runtime.testing import eventually


class Shared:
    """The flock of this module."""

    def __init__(self, settings: FlockSettings, members: Members) -> None:
        self.settings = settings
        self.members = members
        self.home = Home(settings.home)

    async def up(self, emit: Callable[[Progress], None] | None = None) -> flock.Raised:
        return await flock.up(self.settings, members=self.members, emit=emit or (lambda _: None))

    async def kill_supervisor(self) -> None:
        os.kill(self.state().supervisor, signal.SIGKILL)
        await eventually(lambda: living.find(self.home, "supervisor") is None)

    def state(self) -> FlockState:
        state = read_state(self.home)
        assert state is not None
        return state

    def process(self, name: str) -> ProcessState:
        return next(process for process in self.state().processes if process.name == name)

    def pid(self, name: str) -> int:
        pid = self.process(name).pid
        assert pid is not None
        return pid

    async def comes_back(self, name: str, *, after: int) -> None:
        """Ready again as another process than `after`."""

        def back() -> bool:
            process = self.process(name)
            return process.phase is Phase.READY and process.pid != after

        await eventually(back)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, two_tiny: Callable[[FlockSettings], Members]) -> Iterator[Shared]:
    settings = FlockSettings(home=tmp_path_factory.mktemp("flock"), port=free_front_door())
    yield Shared(settings, two_tiny(settings))
    asyncio.run(flock.down(settings))


async def test_two_ups_at_once_make_one_flock(shared: Shared) -> None:
    one, two = await asyncio.gather(shared.up(), shared.up())

    assert sorted((one.changed, two.changed)) == [False, True]
    assert one.state.supervisor == two.state.supervisor


async def test_a_second_up_changes_nothing(shared: Shared) -> None:
    first = await shared.up()
    facts: list[Progress] = []

    second = await shared.up(facts.append)

    assert not second.changed
    assert second.state == first.state
    assert facts == []


async def test_a_killed_service_comes_back_and_the_others_do_not_notice(shared: Shared) -> None:
    await shared.up()
    alpha, beta, restarts = shared.pid("alpha"), shared.pid("beta"), shared.process("alpha").restarts

    os.kill(alpha, signal.SIGKILL)

    await shared.comes_back("alpha", after=alpha)
    assert shared.process("alpha").restarts == restarts + 1
    assert shared.pid("beta") == beta


async def test_after_the_supervisor_is_killed_up_adopts_what_lives_and_keeps_it(shared: Shared) -> None:
    before = (await shared.up()).state
    alpha, beta = shared.pid("alpha"), shared.pid("beta")
    await shared.kill_supervisor()
    unsupervised = flock.status(shared.settings)

    after = await shared.up()

    assert unsupervised is not None
    assert (unsupervised.supervisor, unsupervised.ready) == (None, False)
    assert after.changed
    assert after.state.supervisor != before.supervisor
    assert (shared.pid("alpha"), shared.pid("beta")) == (alpha, beta)

    os.kill(alpha, signal.SIGKILL)
    await shared.comes_back("alpha", after=alpha)


async def test_what_died_while_nobody_watched_is_started_by_up(shared: Shared) -> None:
    await shared.up()
    alpha, beta = shared.pid("alpha"), shared.pid("beta")
    await shared.kill_supervisor()
    os.kill(alpha, signal.SIGKILL)

    state = (await shared.up()).state

    assert state.ready
    assert shared.pid("alpha") != alpha
    assert shared.pid("beta") == beta


async def test_a_service_that_is_not_ready_is_told_with_the_check_that_failed(shared: Shared) -> None:
    await shared.up()
    address = f"http://127.0.0.1:{shared.process('alpha').port}"
    async with httpx.AsyncClient() as client:
        await client.post(f"{address}/unready")
        await eventually(lambda: shared.process("alpha").phase is Phase.UNREADY)

        with pytest.raises(NotReadyInTime, match=r"alpha is unready \(mood: told to be unready"):
            await flock.up(shared.settings, members=shared.members, within=0.2)
        findings = {finding.subject: finding for finding in await doctor.examine(shared.settings, between_looks=0)}
        await client.post(f"{address}/ready")

    assert findings["alpha"].severity is doctor.Severity.PROBLEM
    assert findings["beta"].severity is doctor.Severity.FINE


async def test_other_settings_of_a_running_flock_are_told_not_applied(
    shared: Shared, tiny: Callable[..., ProcessSpec]
) -> None:
    await shared.up()
    other = Members(services=(tiny(shared.settings, "gamma", offset=12),), broker=False, proxy=False)
    facts: list[Progress] = []

    await flock.up(shared.settings, members=other, emit=facts.append)

    assert [isinstance(fact, Step) and "murmur down" in fact.what for fact in facts] == [True]
    assert [process.name for process in shared.state().processes] == ["alpha", "beta"]


def test_pauses_between_restarts_grow_to_a_limit() -> None:
    timing = Timing(first_pause=0.2, longest_pause=10)

    assert [timing.pause(failures) for failures in (1, 2, 3, 20)] == [0.2, 0.4, 0.8, 10]
