"""What the tests of the runtime share: a home and ports of one's own, and tiny services instead of the real ones."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from murmur_runtime import flock
from murmur_runtime.home import Home
from murmur_runtime.ports import free_front_door
from murmur_runtime.processes import Members, ProcessSpec, service
from murmur_runtime.settings import FlockSettings

TINY_SERVICE = Path(__file__).parent / "tiny_service.py"


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[FlockSettings]:
    """A flock of one's own; whatever a test leaves of it is ended."""
    own = FlockSettings(home=tmp_path / "flock", port=free_front_door())
    yield own
    asyncio.run(flock.down(own))


@pytest.fixture
def home(settings: FlockSettings) -> Home:
    place = Home(settings.home)
    place.create()
    return place


MakeTiny = Callable[..., ProcessSpec]


@pytest.fixture(scope="session")
def tiny() -> MakeTiny:
    """Makes the spec of a tiny service; keyword arguments become its environment."""

    def make(settings: FlockSettings, name: str, *, offset: int = 10, **environment: str) -> ProcessSpec:
        command = (sys.executable, "-S", str(TINY_SERVICE))
        spec = service(settings, name, command, port=settings.port + offset)
        return spec.model_copy(update={"environment": spec.environment | environment, "stop_seconds": 3.0})

    return make


@pytest.fixture(scope="session")
def two_tiny(tiny: MakeTiny) -> Callable[[FlockSettings], Members]:
    """No broker, no proxy: what the supervisor does is the same for every process."""

    def make(settings: FlockSettings) -> Members:
        services = (tiny(settings, "alpha", offset=10), tiny(settings, "beta", offset=11))
        return Members(services=services, broker=False, proxy=False)

    return make
