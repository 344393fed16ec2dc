"""What tracking is told by its environment, beyond what every service is."""

from pydantic import Field

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    hearsay_seconds: float = Field(
        default=2, gt=0, le=60, description="how long the end of a workspace may wait for the registry's part"
    )
    largest_artifact: int = Field(default=50 * 2**30, gt=0, description="bytes of one file that a client may upload")
