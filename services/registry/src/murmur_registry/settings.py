"""What the registry is told by its environment, beyond what every service is."""

from datetime import timedelta

from pydantic import Field

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    verdict_seconds: float = Field(default=900, gt=0, description="how long a verdict may take before it is overdue")
    review_seconds: float = Field(default=259_200, gt=0, description="how long a person may take before it is overdue")
    rollout_seconds: float = Field(default=900, gt=0, description="how long a roll-out may take before it is overdue")

    @property
    def verdict_due(self) -> timedelta:
        return timedelta(seconds=self.verdict_seconds)

    @property
    def review_due(self) -> timedelta:
        return timedelta(seconds=self.review_seconds)

    @property
    def rollout_due(self) -> timedelta:
        return timedelta(seconds=self.rollout_seconds)
