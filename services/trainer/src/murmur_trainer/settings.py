"""What the trainer is told by its environment, beyond what every service is."""

from pydantic import Field

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    training_slots: int = Field(default=1, ge=1, description="trainings at once, of all replicas together")
    training_attempts: int = Field(default=5, ge=1, description="workers that may die on one training before it fails")
