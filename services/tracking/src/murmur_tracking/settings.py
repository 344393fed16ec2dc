"""What tracking is told by its environment: nothing beyond what every service is."""

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    """The kernel's settings suffice."""
