"""Whether the workflows of one group agree on what their model servers may use: these are the same processes."""

from collections.abc import Mapping
from dataclasses import dataclass


class LimitsDiffer(Exception):
    """No process can have two limits."""


@dataclass(frozen=True, kw_only=True)
class ServerLimits:
    """memory: bytes, None: any number."""

    memory: int | None
    nice: int

    def __str__(self) -> str:
        return f"memory {self.memory if self.memory is not None else 'unlimited'}, nice {self.nice}"


def check_limits(workflow: str, group: str, limits: ServerLimits, *, others: Mapping[str, ServerLimits]) -> None:
    """others: of the workflows in that group, by name. Raises LimitsDiffer."""
    for other, its in sorted(others.items()):
        if other != workflow and its != limits:
            raise LimitsDiffer(
                f"deployment.group {group!r} shares model servers, so its workflows have the same deployment.limits:"
                f" {other!r} has {its}, and {workflow!r} asks for {limits}. Give it the same; to change them for all,"
                f" name a new group in each workflow (such as {group + '-2'!r}), which moves without a dropped request"
            )
