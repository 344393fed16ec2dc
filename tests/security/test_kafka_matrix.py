"""Every topic and every group with every Kafka user, on a real broker: what is allowed is what the catalog says.

What is expected is worked out here from the catalog's owners and the services' own tables, not from the rules that the
broker was given: a rule too many or too few is seen.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from listeners import heard_by

from murmur_access import BrokerAccess
from murmur_access.rules import READS, users
from murmur_events import CATALOG
from murmur_events.catalog import SERVICES, Topic
from murmur_runtime.settings import FlockSettings
from murmur_runtime.testing import running_secure_broker

GROUPS = tuple(f"murmur-{service}" for service in (*SERVICES, "audit", "monitor-stream", "monitor-labels", "somebody"))
REFUSED = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)
HEARD = {service: heard_by(service) for service in SERVICES}

pytestmark = pytest.mark.timeout(400)


def may_write(user: str, topic: Topic) -> bool:
    return user in (*topic.writers, "operator") or (user == "client" and topic.open_to_clients)


def may_read(user: str, topic: Topic) -> bool:
    return user in ("operator", "audit", "console") or topic.name in HEARD.get(user, ())


def may_join(user: str, group: str) -> bool:
    """Each service's own, by its name; the monitor's two that read predictions beside it; nobody else's."""
    if user == "operator":
        return True
    own = {f"murmur-{user}"} if user in (*SERVICES, "audit") else set()
    return group in own or (user == "monitor" and group in ("murmur-monitor-stream", "murmur-monitor-labels"))


@dataclass
class Found:
    """What the broker let one user do."""

    written: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    joined: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlockSettings]:
    with running_secure_broker(tmp_path_factory.mktemp("secure-broker"), within=150) as settings:
        yield settings


@pytest.fixture(scope="module")
def found(secure: FlockSettings) -> dict[str, Found]:
    """All users at once: each tries everything."""
    return asyncio.run(_try_everything(secure))


async def _try_everything(secure: FlockSettings) -> dict[str, Found]:
    names = users()
    written = await asyncio.gather(*(_writing(secure.access_as(user)) for user in names))  # first: then all may be read
    read = await asyncio.gather(*(_reading(secure.access_as(user)) for user in names))
    joined = await asyncio.gather(*(_joining(secure.access_as(user)) for user in names))
    return {user: Found(*each) for user, *each in zip(names, written, read, joined, strict=True)}


async def _writing(access: BrokerAccess) -> set[str]:
    producer = AIOKafkaProducer(**access.arguments(), acks="all")
    await producer.start()
    try:
        done: set[str] = set()
        for topic in CATALOG:
            try:
                await producer.send_and_wait(topic.name, b"tried", partition=0)
            except REFUSED:
                continue
            done.add(topic.name)
        return done
    finally:
        await producer.stop()


async def _reading(access: BrokerAccess) -> set[str]:
    consumer = AIOKafkaConsumer(**access.arguments(), enable_auto_commit=False)
    await consumer.start()
    try:
        done: set[str] = set()
        visible = await consumer.topics()  # of others the broker says nothing, and aiokafka would ask for ever
        for topic in CATALOG:
            if topic.name not in visible:
                continue
            place = TopicPartition(topic.name, 0)
            consumer.assign([place])
            consumer.seek(place, 0)
            try:
                while not await consumer.getmany(timeout_ms=2000):
                    """Its owner has written there: it comes, or the broker says no."""
            except REFUSED:
                continue
            done.add(topic.name)
        return done
    finally:
        await consumer.stop()


async def _joining(access: BrokerAccess) -> set[str]:
    admin = AIOKafkaAdminClient(**access.arguments())
    await admin.start()
    try:
        done: set[str] = set()
        for group in GROUPS:
            try:
                await _asked(admin, group)
            except REFUSED:
                continue
            done.add(group)
        return done
    finally:
        await admin.close()


async def _asked(admin: AIOKafkaAdminClient, group: str) -> None:
    """A broker that has just begun has no coordinator for its first second."""
    deadline = time.monotonic() + 30
    while True:
        try:
            await admin.list_consumer_group_offsets(group)
            return
        except GroupCoordinatorNotAvailableError:
            if time.monotonic() > deadline:
                raise


@pytest.mark.parametrize("user", users())
def test_a_user_writes_what_the_catalog_says_and_nothing_else(found: dict[str, Found], user: str) -> None:
    assert found[user].written == {topic.name for topic in CATALOG if may_write(user, topic)}


@pytest.mark.parametrize("user", users())
def test_a_user_reads_what_it_reacts_to_and_nothing_else(found: dict[str, Found], user: str) -> None:
    assert found[user].read == {topic.name for topic in CATALOG if may_read(user, topic)}


@pytest.mark.parametrize("user", users())
def test_a_user_is_a_member_of_its_own_groups_only(found: dict[str, Found], user: str) -> None:
    assert found[user].joined == {group for group in GROUPS if may_join(user, group)}


def test_every_owner_and_every_service_is_a_user() -> None:
    assert {topic.owner for topic in CATALOG} | set(SERVICES) | {"audit", "console", "client"} < set(users())


def test_who_reads_what_is_what_the_services_subscribe_to() -> None:
    assert {service: set(topics) for service, topics in READS.items()} == HEARD


async def test_nobody_is_let_in_without_the_right_password(secure: FlockSettings) -> None:
    right = secure.access_as("registry")
    strangers = (
        BrokerAccess(brokers=secure.brokers),
        BrokerAccess(brokers=secure.brokers, protocol=right.protocol, user="registry", password="guessed"),
        BrokerAccess(brokers=secure.brokers, protocol=right.protocol, user="nobody", password="guessed"),
    )
    for stranger in strangers:
        admin = AIOKafkaAdminClient(**stranger.arguments(), request_timeout_ms=3000)
        try:
            with pytest.raises((KafkaError, OSError)):
                await admin.start()
        finally:
            await admin.close()
    admin = AIOKafkaAdminClient(**right.arguments())
    await admin.start()
    await admin.close()
