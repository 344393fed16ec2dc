"""What the console is told by its environment."""

from pydantic import Field

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    """MURMUR_CONSOLE_… beside what every service has."""

    console_events: int = Field(default=20_000, ge=100, description="events kept in memory; older chains are forgotten")
    console_poll_seconds: float = Field(default=2.0, gt=0, description="how often each service is asked how it is")
