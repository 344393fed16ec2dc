"""What the ledger holds as digests is nothing that anybody must rebuild from."""

import pytest
from listeners import table_of

from murmur_audit.app import TOPICS
from murmur_audit.domain.recording import DIGESTED
from murmur_events.catalog import CATALOG, SERVICES


def test_audit_hears_every_topic() -> None:
    assert sorted(TOPICS) == sorted(topic.name for topic in CATALOG)


@pytest.mark.parametrize("service", SERVICES)
def test_a_projection_hears_only_what_the_ledger_holds_whole(service: str) -> None:
    projected = {subscription.topic for subscription in table_of(service) if not subscription.publishes}
    assert projected & DIGESTED == set()
