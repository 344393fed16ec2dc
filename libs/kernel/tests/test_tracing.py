"""One chain is one trace: what continues which span, across events, jobs, retries, stored chains and other callers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from counting import COUNTERS, Counter, CounterUnitOfWork, requested, skipped
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from murmur_events import Envelope, Record, from_record, to_record
from murmur_events.training import TrainingRequested
from murmur_kernel.consuming import react
from murmur_kernel.errors import Transient
from murmur_kernel.jobs import Job, JobFunction
from murmur_kernel.outbox import OutboxRelay
from murmur_kernel.telemetry.logs import name_the_trace
from murmur_kernel.telemetry.recording import recording
from murmur_kernel.telemetry.tracing import Tracing
from murmur_kernel.testing import Harness
from murmur_kernel.unit_of_work import Chain

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-01"
NOT_SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-00"


class Recorder:
    """Spans as they end."""

    def __init__(self, *, ratio: float = 1.0) -> None:
        self._exporter = InMemorySpanExporter()
        _, self.tracing = recording("trainer", "trainer-0", SimpleSpanProcessor(self._exporter), ratio=ratio)

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()

    def named(self, name: str) -> ReadableSpan:
        (span,) = [span for span in self.spans if span.name == name]
        return span


@dataclass
class Sink:
    """Keeps records; fails after it has kept them as often as `failures` says."""

    records: list[Record] = field(default_factory=list)
    failures: int = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, records: Sequence[Record]) -> None:
        self.records.extend(records)
        if self.failures:
            self.failures -= 1
            raise Transient("the acknowledgement was lost")


async def work_later(event: TrainingRequested, uow: CounterUnitOfWork) -> None:
    uow.enqueue("work", job_id="j", payload={})
    uow.counters.save(Counter("chain", 1, group=uow.chain.traceparent))


async def work(job: Job[CounterUnitOfWork]) -> None:
    if job.attempt == 1:
        raise Transient("the first attempt finds nobody")
    async with job.unit_of_work(completes=True) as uow:
        uow.publish(skipped(detail="worked"))


def service(tracing: Tracing, work: JobFunction[CounterUnitOfWork] = work) -> Harness[CounterUnitOfWork]:
    return Harness(
        CounterUnitOfWork,
        kinds=(COUNTERS,),
        subscriptions=(react(TrainingRequested, work_later),),
        jobs={"work": work},
        service="trainer",
        store="sqlite",
        tracing=tracing,
    )


async def published(harness: Harness[CounterUnitOfWork], tracing: Tracing, sink: Sink) -> list[Envelope]:
    """What is in the outbox, through a relay and over the wire."""
    relay = OutboxRelay(harness.store, sink, harness.clock, "r", tracing)
    while await harness.store.outbox(1):
        try:
            await relay.publish_some()
        except Transient:
            continue
    return [from_record(record.topic, record.value, record.headers) for record in sink.records]


def parent_of(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent else None


def id_of(span: ReadableSpan) -> int:
    return span.get_span_context().span_id


async def begin(harness: Harness[CounterUnitOfWork], traceparent: str | None) -> None:
    await harness.receives(requested(), event_id="asked", chain=Chain("story", None, traceparent))


async def test_each_step_is_the_child_of_what_caused_it() -> None:
    seen = Recorder()
    async with service(seen.tracing) as harness:
        await begin(harness, SAMPLED)
        await harness.run_jobs()
        harness.clock.advance(10)
        await harness.run_jobs(collect=False)
        (said,) = await published(harness, seen.tracing, Sink())
    assert {f"{span.get_span_context().trace_id:032x}" for span in seen.spans} == {TRACE}
    handled = seen.named("process training.requested")
    first, second = [span for span in seen.spans if span.name == "job work"]
    publication = seen.named("publish training.skipped")
    assert parent_of(handled) == 0x00F067AA0BA902B7
    assert parent_of(first) == parent_of(second) == id_of(handled)
    assert parent_of(publication) == id_of(second)
    assert said.traceparent == f"00-{TRACE}-{id_of(publication):016x}-01"
    assert [span.attributes["murmur.attempt"] for span in (first, second) if span.attributes] == [1, 2]
    assert [span.status.is_ok for span in (first, second)] == [False, True]


async def test_an_attempt_that_is_told_to_stop_has_not_failed() -> None:
    seen = Recorder()
    began = asyncio.Event()

    async def endless(job: Job[CounterUnitOfWork]) -> None:
        began.set()
        await asyncio.Event().wait()

    async with service(seen.tracing, endless) as harness:
        await begin(harness, SAMPLED)
        task = asyncio.create_task(harness.run_jobs())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert seen.named("job work").status.is_ok


async def test_another_chain_is_another_trace() -> None:
    seen = Recorder()
    async with service(seen.tracing) as harness:
        await harness.receives(requested("a"), event_id="one", chain=Chain("story", None))
        await harness.receives(requested("b"), event_id="two", chain=Chain("other story", None))
    assert len({span.get_span_context().trace_id for span in seen.spans}) == 2


async def test_a_chain_that_carries_no_trace_has_one_all_the_same() -> None:
    """Two events of one chain, begun while nobody traced: their spans have no parent, and still belong together."""
    seen = Recorder()
    async with service(seen.tracing) as harness:
        await harness.receives(requested("a"), event_id="one", chain=Chain("story", None))
        await harness.receives(requested("b"), event_id="two", chain=Chain("story", "one"))
    assert len(seen.spans) == 2
    assert len({span.get_span_context().trace_id for span in seen.spans}) == 1
    assert {parent_of(span) for span in seen.spans} == {None}


async def say(chain: Chain | None, uow: CounterUnitOfWork) -> Chain:
    if chain is not None:
        uow.resume(chain)
    return uow.publish(skipped())


async def test_a_chain_kept_for_weeks_goes_on_in_its_trace_and_the_call_links_to_it() -> None:
    seen = Recorder()
    tracer = seen.tracing.provider.get_tracer("test")
    async with service(seen.tracing) as harness:
        with tracer.start_as_current_span("first call"):
            kept: Chain = await harness.change(say, None, collect=False)
        harness.clock.advance(14 * 86_400)
        with tracer.start_as_current_span("second call"):
            await harness.change(say, kept, collect=False)
        await published(harness, seen.tracing, Sink())
    first, second = [span for span in seen.spans if span.name == "publish training.skipped"]
    assert parent_of(first) == id_of(seen.named("first call"))
    assert parent_of(second) == id_of(first)
    later = seen.named("second call")
    assert later.get_span_context().trace_id != first.get_span_context().trace_id
    assert [link.context.trace_id for link in later.links] == [first.get_span_context().trace_id]


async def test_publishing_once_more_makes_the_same_span() -> None:
    seen, sink = Recorder(), Sink(failures=1)
    async with service(seen.tracing) as harness:
        await harness.change(say, None, collect=False)
        once, again = await published(harness, seen.tracing, sink)
    assert once.traceparent == again.traceparent
    assert once.traceparent is not None
    assert len([span for span in seen.spans if span.name == "publish training.skipped"]) == 1


async def test_what_the_caller_does_not_sample_is_not_recorded_but_carried() -> None:
    seen = Recorder()
    async with service(seen.tracing) as harness:
        await begin(harness, NOT_SAMPLED)
        await harness.run_jobs()
        harness.clock.advance(10)
        await harness.run_jobs(collect=False)
        (said,) = await published(harness, seen.tracing, Sink())
    assert not seen.spans
    assert said.traceparent is not None
    assert said.traceparent.startswith(f"00-{TRACE}-")
    assert said.traceparent.endswith("-00")


async def test_the_ratio_decides_for_whole_traces_and_callers_over_the_ratio() -> None:
    seen = Recorder(ratio=0)
    async with service(seen.tracing) as harness:
        await begin(harness, None)
        assert not seen.spans
        await harness.receives(requested("b"), event_id="sampled", chain=Chain("other", None, SAMPLED))
        assert len(seen.spans) == 1
    half = Recorder(ratio=0.5)
    async with service(half.tracing) as harness:
        for number in range(200):
            await harness.receives(requested(f"w{number}"), chain=Chain(f"chain {number}", None))
    assert 60 < len(half.spans) < 140


async def test_a_service_that_does_not_trace_hands_on_what_it_was_given() -> None:
    off = Tracing()
    async with service(off) as harness:
        await begin(harness, SAMPLED)
        await harness.run_jobs()
        harness.clock.advance(10)
        await harness.run_jobs(collect=False)
        (said,) = await published(harness, off, Sink())
        assert said.traceparent == SAMPLED
        await harness.change(say, None, collect=False)
        *_, untraced = await published(harness, off, Sink())
    assert untraced.traceparent is None


@pytest.mark.parametrize("broken", ["", "00-xyz", "ff-" + SAMPLED[3:], f"00-{'0' * 32}-00f067aa0ba902b7-01"])
async def test_a_broken_traceparent_is_as_good_as_none(broken: str) -> None:
    seen = Recorder()
    async with service(seen.tracing) as harness:
        await begin(harness, broken)
    (span,) = seen.spans
    assert span.parent is None


def test_the_plain_header_of_other_clients_is_read_and_written() -> None:
    envelope = Envelope(
        id="e",
        source="client",
        topic="training.requested",
        key="credit",
        time=requested().as_of,
        sequence=1,
        correlation_id="c",
        causation_id=None,
        event=requested(),
        traceparent=SAMPLED,
    )
    record = to_record(envelope)
    assert dict(record.headers)["traceparent"] == dict(record.headers)["ce_traceparent"] == SAMPLED.encode()
    plain = [(name, value) for name, value in record.headers if name != "ce_traceparent"]
    assert from_record(record.topic, record.value, plain).traceparent == SAMPLED


def test_a_log_line_names_the_span_that_wrote_it() -> None:
    seen = Recorder()
    with seen.tracing.provider.get_tracer("test").start_as_current_span("work") as span:
        line = name_the_trace(None, "info", {"event": "said"})
    assert line["trace_id"] == trace.format_trace_id(span.get_span_context().trace_id)
    assert line["span_id"] == trace.format_span_id(span.get_span_context().span_id)
    assert name_the_trace(None, "info", {"event": "said"}) == {"event": "said"}
