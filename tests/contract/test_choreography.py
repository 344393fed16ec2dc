"""Who listens to whom: every fact is heard or is meant to be an ending, and nothing happens that nobody caused."""

import pytest
from listeners import heard_by, table_of

from contracts.examples import Example, golden
from contracts.generate import ROOT
from murmur_events import CATALOG
from murmur_events.catalog import ONE_A_SERVICE, SERVICES, topic_named

SERVICES_FOLDER = ROOT.parent / "services"

ENDINGS = {
    "dataset.registered": "the run that took the snapshot names it again when it completes",
    "training.skipped": "says why a request starts nothing",
    "sweep.requested": "the trainer asks for its trainings in the transaction that says it",
    "sweep.completed": "whoever asked looks at the best runs",
    "model.rejected": "a version's life is over",
    "model.archived": "a version's life is over",
    "review.requested": "a person answers, through the console, the command line or REST",
    "review.decided": "the registry acts on it in the transaction that says it",
    "batch.completed": "whoever asked fetches the output",
    "batch.failed": "whoever asked is told why",
    "canary.judged": "the deployer acts on it in the transaction that says it; the console shows it",
    "deployment.scaled": "the deployer acts on it in the transaction that says it; the console shows it",
    "promotion.deferred": "the registry decides again when it hears of the freeze's end",
    "model.changed": "a person or a client wanted it so; the registry remembers it",
    "alias.moved": "a person or a client wanted it so; what a workflow promotes is told by model.promoted",
    "alert.raised": "a person looks",
    "alert.resolved": "nobody need look any more",
    **{f"{service}.dead-letters": "a person decides: murmur dead-letters" for service in SERVICES},
}
"""Facts that no service reacts to, and why that is right."""


TABLES = {service: table_of(service) for service in SERVICES}
HEARD = {service: heard_by(service) for service in SERVICES}

STORY = {example.headers["ce_id"]: example for example in golden()}

every_service = pytest.mark.parametrize("service", SERVICES)
every_link = pytest.mark.parametrize(
    "effect",
    [example for example in STORY.values() if "ce_causationid" in example.headers],
    ids=lambda example: example.path,
)


@pytest.mark.parametrize("topic", [topic.name for topic in CATALOG])
def test_every_fact_is_heard_or_is_an_ending(topic: str) -> None:
    listeners = [service for service, topics in HEARD.items() if topic in topics]
    assert bool(listeners) != (topic in ENDINGS), f"{topic} is heard by {listeners}, and ENDINGS must say the opposite"


def test_every_ending_is_a_topic() -> None:
    assert ENDINGS.keys() <= {topic.name for topic in CATALOG}


@every_service
def test_a_service_hears_something_that_the_catalog_has(service: str) -> None:
    assert TABLES[service]
    for subscription in TABLES[service]:
        assert topic_named(subscription.topic).event is subscription.event


@every_service
def test_a_service_has_one_handler_an_event(service: str) -> None:
    topics = [subscription.topic for subscription in TABLES[service]]
    assert sorted(set(topics)) == sorted(topics)


@every_service
def test_a_service_that_publishes_reacts_to_something(service: str) -> None:
    """Tracking says what clients tell it, by REST, and otherwise only remembers, so that all of it may be replayed."""
    owns = [topic.name for topic in CATALOG if service in topic.writers and topic.event not in ONE_A_SERVICE]
    reacts = [subscription.topic for subscription in TABLES[service] if subscription.publishes]
    assert bool(owns) == (bool(reacts) or service == "tracking")


@every_link
def test_in_the_golden_story_whoever_speaks_has_heard_the_cause(effect: Example) -> None:
    """No scheduler: an event follows from one that its publisher listens to, or from one of the publisher's own."""
    cause = STORY[effect.headers["ce_causationid"]]
    speaker = effect.headers["ce_source"].split("/")[0]
    assert cause.topic in HEARD[speaker] or cause.headers["ce_source"] == speaker


@every_service
def test_a_service_tells_in_its_readme_what_it_hears(service: str) -> None:
    """Its canvas: each event consumed, what it decides, and the fact that ends it."""
    canvas = (SERVICES_FOLDER / service / "README.md").read_text()
    assert [topic for topic in sorted(HEARD[service]) if f"`{topic}`" not in canvas] == []
