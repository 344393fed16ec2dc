"""A workflow from its trigger to what serves is one trace, through Kafka, jobs and a review; another is another."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from collector import Collector, Seen
from live import LiveFlock, of

from murmur_events import Envelope
from murmur_events.catalog import SERVICES
from murmur_kernel.testing import eventually

pytestmark = [pytest.mark.flock, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def chains(
    flock: LiveFlock, collector: Collector, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Envelope], list[Envelope]]:
    """All events of two workflows, each trained, judged, approved and deployed; their spans have arrived."""

    async def story(name: str) -> list[Envelope]:
        folder = flock.scaffold(tmp_path_factory.mktemp("traces") / name, name)
        await flock.apply(folder, name)
        asked = await flock.trigger(name)
        await flock.until("the question", of("review.requested", name))
        await flock.review(name, 1, "approved")
        await flock.until("the deployment", of("model.deployed", name))
        await eventually(lambda: handled_by_monitor(collector, name), within=30)
        history = await flock.history(whole=True)
        return [envelope for envelope in history if envelope.correlation_id == asked["correlation_id"]]

    return asyncio.run(story("traced")), asyncio.run(story("other"))


def handled_by_monitor(collector: Collector, name: str) -> bool:
    """The last thing that happens in such a chain."""
    return any(
        span.service == "monitor"
        and span.name == "process model.deployed"
        and span.attributes["messaging.kafka.message.key"] == name
        for span in collector.spans
    )


def trace_of(chain: list[Envelope]) -> str:
    """The second of the four parts of a traceparent."""
    (trace,) = {(envelope.traceparent or "").split("-")[1] for envelope in chain}
    return trace


async def test_one_workflow_is_one_trace_through_all_services(
    chains: tuple[list[Envelope], list[Envelope]], collector: Collector
) -> None:
    chain, _ = chains
    spans = collector.of(trace_of(chain))
    assert {span.service for span in spans} == set(SERVICES)
    names = {span.name for span in spans}
    assert {"job train", "worker", "job validation", "measure", "job rollout", "start replicas", "probe"} <= names
    assert {f"publish {envelope.topic}" for envelope in chain} <= names
    given_up = [span for span in spans if span.failed and span.attributes.get("murmur.outcome") != "retry"]
    assert not given_up, "two who change one document at once are no failure: one of them looks again"


async def test_the_parent_of_each_span_exists_and_the_call_that_began_it_is_the_root(
    chains: tuple[list[Envelope], list[Envelope]], collector: Collector
) -> None:
    chain, _ = chains
    spans = by_id(collector, chain)
    lost = [span for span in spans.values() if span.parent is not None and span.parent not in spans]
    assert not lost
    (root,) = [span for span in spans.values() if span.parent is None]
    assert (root.service, root.name) == ("trainer", "POST /trainer/v1/workflows/{name}/trainings")


async def test_the_span_of_an_event_descends_from_that_of_its_cause(
    chains: tuple[list[Envelope], list[Envelope]], collector: Collector
) -> None:
    chain, _ = chains
    spans = by_id(collector, chain)
    publications = {
        span.attributes["messaging.message.id"]: span for span in spans.values() if span.name.startswith("publish ")
    }
    assert set(publications) == {envelope.id for envelope in chain}
    for envelope in chain:
        if envelope.causation_id is not None:
            ancestors = list(lineage(publications[envelope.id], spans))
            assert publications[envelope.causation_id].id in ancestors, envelope
    unrelated = next(one for one in chain if one.topic == "run.started")
    cause = next(one for one in chain if one.topic == "model.deployed")
    assert publications[cause.id].id not in lineage(publications[unrelated.id], spans)


async def test_another_workflow_is_another_trace(chains: tuple[list[Envelope], list[Envelope]]) -> None:
    first, second = chains
    assert trace_of(first) != trace_of(second)


async def test_the_call_of_the_reviewer_is_a_trace_of_its_own_that_links_to_the_workflow(
    chains: tuple[list[Envelope], list[Envelope]], collector: Collector
) -> None:
    chain, _ = chains
    reviews = [span for span in collector.spans if span.name.startswith("POST") and span.name.endswith("/review")]
    (mine,) = [span for span in reviews if trace_of(chain) in span.links]
    assert mine.trace != trace_of(chain)


async def test_the_command_line_names_the_trace(
    chains: tuple[list[Envelope], list[Envelope]], flock: LiveFlock
) -> None:
    chain, _ = chains
    shown = await asyncio.to_thread(flock.murmur, "events", "--correlation", chain[0].correlation_id)
    assert f"trace {trace_of(chain)}" in shown.stdout


async def test_log_lines_carry_the_trace(chains: tuple[list[Envelope], list[Envelope]], flock: LiveFlock) -> None:
    chain, _ = chains
    log = Path(flock.settings.home / "logs" / "deployer.log").read_text()
    assert f'"trace_id": "{trace_of(chain)}"' in log


def by_id(collector: Collector, chain: list[Envelope]) -> dict[str, Seen]:
    return {span.id: span for span in collector.of(trace_of(chain))}


def lineage(span: Seen, spans: Mapping[str, Seen]) -> list[str]:
    """From its parent to the root."""
    found = []
    while span.parent is not None:
        span = spans[span.parent]
        found.append(span.id)
    return found
