"""The nodes of Kafka: one, or three that are each other's replicas; each is broker and controller at once."""

from dataclasses import dataclass
from pathlib import Path

from murmur_runtime.home import Home
from murmur_runtime.settings import FlockSettings


@dataclass(frozen=True)
class Node:
    """`name` is that of its process; a single node needs no number in it."""

    number: int
    name: str
    port: int
    controller: int
    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "server.properties"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def formatted(self) -> bool:
        return (self.data / "meta.properties").exists()


def nodes(settings: FlockSettings, home: Home) -> tuple[Node, ...]:
    numbers = settings.nodes
    alone = len(numbers) == 1
    return tuple(
        Node(
            number,
            "kafka" if alone else f"kafka-{number}",
            *settings.ports.node(number),
            home.kafka if alone else home.kafka / str(number),
        )
        for number in numbers
    )


def quorum(settings: FlockSettings, home: Home) -> str:
    """controller.quorum.voters: the majority of these decides who leads."""
    return ",".join(f"{node.number}@{settings.inner_host}:{node.controller}" for node in nodes(settings, home))
