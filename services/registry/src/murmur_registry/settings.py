"""What the registry is told by its environment, beyond what every service is."""

from datetime import timedelta
from ipaddress import ip_network

from pydantic import Field, field_validator

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    verdict_seconds: float = Field(default=900, gt=0, description="how long a verdict may take before it is overdue")
    review_seconds: float = Field(default=259_200, gt=0, description="how long a person may take before it is overdue")
    rollout_seconds: float = Field(default=900, gt=0, description="how long a roll-out may take before it is overdue")
    hearsay_seconds: float = Field(
        default=2, gt=0, le=60, description="how long a call may wait for what tracking has said a moment ago"
    )

    webhook_hosts: str = Field(
        default="",
        description="where webhooks may lead beyond this machine: names, addresses, networks (10.1.0.0/16), or *",
    )
    webhook_seconds: float = Field(default=15, gt=0, le=120, description="how long a webhook may take to answer")
    webhook_patience_seconds: float = Field(
        default=259_200, gt=0, description="how long a webhook may fail before nothing is sent to it any more"
    )

    @field_validator("webhook_hosts")
    @classmethod
    def _hosts(cls, hosts: str) -> str:
        for one in filter(None, map(str.strip, hosts.split(","))):
            if "/" in one:
                try:
                    ip_network(one, strict=False)
                except ValueError as error:
                    raise ValueError(
                        f"MURMUR_WEBHOOK_HOSTS has {one!r}, which is no network ({error}): write 10.1.0.0/16"
                    ) from None
        return hosts

    @property
    def webhook_reach(self) -> tuple[str, ...]:
        return tuple(filter(None, map(str.strip, self.webhook_hosts.split(","))))

    @property
    def webhook_patience(self) -> timedelta:
        return timedelta(seconds=self.webhook_patience_seconds)

    @property
    def verdict_due(self) -> timedelta:
        return timedelta(seconds=self.verdict_seconds)

    @property
    def review_due(self) -> timedelta:
        return timedelta(seconds=self.review_seconds)

    @property
    def rollout_due(self) -> timedelta:
        return timedelta(seconds=self.rollout_seconds)
