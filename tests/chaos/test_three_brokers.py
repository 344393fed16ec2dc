"""Three brokers, as docker-compose.yml runs them: who may do what; one of them killed and brought back under load."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from container_brokers import NODES, Cluster
from load import Load, written

from murmur_access import BrokerAccess
from murmur_access.rules import OPERATOR, rules
from murmur_events.catalog import CATALOG, topic_named
from murmur_kernel.testing import eventually
from murmur_runtime import broker_rules, server_secrets, servers
from murmur_runtime.ports import free_front_door
from murmur_runtime.settings import FlockSettings

pytestmark = [pytest.mark.flock, pytest.mark.timeout(300)]

Nodes = dict[int, ExitStack]
"""Closing one kills its broker."""


@pytest.fixture(scope="module")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cluster, Nodes]]:
    """After what the container `init` does, twice."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), free_front_door())
    server_secrets.make(cluster.secrets)
    for password in cluster.secrets.glob("kafka_*"):
        password.chmod(0o400)  # as entrypoint.sh hands them to the services
    settings = FlockSettings(home=cluster.folder / "home", artifacts=f"file://{cluster.folder}/artifacts")
    with ExitStack() as stack:
        nodes = {node: stack.enter_context(ExitStack()) for node in NODES}
        for node, life in nodes.items():
            life.enter_context(cluster.running(node))
        asyncio.run(cluster.all_answer())
        for _ in range(2):
            asyncio.run(servers.prepare(settings, cluster.access(OPERATOR)))
        yield cluster, nodes


async def test_they_know_the_catalogs_users_and_refuse_what_no_rule_allows(brokers: tuple[Cluster, Nodes]) -> None:
    cluster, _ = brokers
    assert broker_rules.allowed(cluster.access(OPERATOR)) == set(rules())
    await publish(cluster.access("registry"))
    with pytest.raises(TopicAuthorizationFailedError):
        await publish(cluster.access("tracking"))
    with pytest.raises(KafkaConnectionError):
        await publish(cluster.access("registry", password_of="tracking"))
    with pytest.raises(KafkaConnectionError):
        await publish(BrokerAccess(brokers=cluster.access(OPERATOR).brokers))


async def test_every_topic_is_on_all_three(brokers: tuple[Cluster, Nodes]) -> None:
    cluster, _ = brokers
    for topic in CATALOG:
        assert {len(part["replicas"]) for part in await cluster.partitions(topic.name)} == {3}, topic.name


async def test_one_killed_under_load_fails_no_publish_and_loses_nothing(brokers: tuple[Cluster, Nodes]) -> None:
    cluster, nodes = brokers
    load = Load(cluster.access("trainer"))

    async def whole() -> bool:
        """Every partition is on three brokers that keep up."""
        return all(len(part["isr"]) == 3 for part in await cluster.partitions(load.topic))

    await eventually(whole, within=60)
    async with load.running():
        for victim in ("a leader", "the controller"):
            before = load.total
            await eventually(lambda seen=before: load.total > seen + 200, within=60)
            leaders = {part["leader"] for part in await cluster.partitions(load.topic)}
            node = cluster.controller() if victim == "the controller" else min(leaders)
            at_kill = load.total
            nodes[node].close()
            await eventually(lambda seen=at_kill: load.total > seen + 400, within=60)
            nodes[node].enter_context(cluster.running(node))  # on the storage that is formatted already
            await eventually(whole, within=120)

    assert load.failures == []
    found = await written(cluster.access(OPERATOR), load.topic, topic_named(load.topic).partitions)
    assert found == load.acknowledged


async def publish(access: BrokerAccess) -> None:
    """One record that two of the brokers have."""
    producer = AIOKafkaProducer(**access.arguments(), acks="all", request_timeout_ms=10_000)
    try:
        await producer.start()
        await producer.send_and_wait("model.promoted", b"{}", partition=0)
    finally:
        await asyncio.shield(producer.stop())
