"""What tracking is told by its environment, beyond what every service is."""

from pydantic import Field

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    largest_artifact: int = Field(default=50 * 2**30, gt=0, description="bytes of one file that a client may upload")
