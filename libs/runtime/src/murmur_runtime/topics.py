"""Creates the topics of the catalog on a broker, as often as one likes."""

from collections.abc import Iterable
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from murmur_access import BrokerAccess, broker_access
from murmur_events.catalog import CATALOG, FOR_EVER, Topic
from murmur_runtime.errors import TopicsNotCreated


async def create_topics(
    brokers: BrokerAccess | str, topics: Iterable[Topic] = CATALOG, *, copies: int = 1
) -> list[str]:
    """Creates those that are missing and returns their names. Raises TopicsNotCreated, KafkaError.

    copies: on how many brokers each is kept; a record counts as written once all of them but one have it.

    Existing topics are left as they are: another number of partitions would move keys and break their order.
    """
    admin = AIOKafkaAdminClient(**broker_access(brokers).arguments())
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in existing]
        if not missing:
            return []
        answer = await admin.create_topics([_new(topic, copies) for topic in missing], timeout_ms=30_000)
    finally:
        await admin.close()
    refused = {name: message or for_code(code).__name__ for name, code, message in answer.topic_errors if _failed(code)}
    if refused:
        raise TopicsNotCreated(refused)
    return [topic.name for topic in missing]


def _failed(code: int) -> bool:
    return code not in (0, TopicAlreadyExistsError.errno)


def _new(topic: Topic, copies: int) -> NewTopic:
    configuration = {
        "retention.ms": str(milliseconds(topic.retention)),
        "min.insync.replicas": str(max(1, copies - 1)),
    }
    return NewTopic(topic.name, topic.partitions, copies, topic_configs=configuration)


def milliseconds(retention: timedelta) -> int:
    """Kafka's retention.ms: -1 keeps for ever."""
    return -1 if retention == FOR_EVER else retention // timedelta(milliseconds=1)
