"""The numbers every service gives, under the same names."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import Counter, Gauge, Histogram

handler_seconds = Histogram(
    "murmur_handler_seconds",
    "Time to handle one event, its commit included",
    ["topic"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30),
)
outcomes = Counter("murmur_events_handled", "Events by outcome: ack, park, retry, dead", ["topic", "outcome"])
published = Counter("murmur_events_published", "Events acknowledged by the broker", ["topic"])
lag = Gauge("murmur_consumer_lag", "Events of this service's topics that are not handled yet")
outbox = Gauge("murmur_outbox_depth", "Committed events that are not published yet")
outbox_age = Gauge("murmur_outbox_age_seconds", "Age of the oldest of them")
parked = Gauge("murmur_parked", "Events that wait for a prerequisite")
parked_overdue = Gauge("murmur_parked_overdue", "Those of them whose deadline has passed")
dead_letters = Gauge("murmur_dead_letters", "Events that could not be handled and await a person")
jobs = Gauge("murmur_jobs", "Jobs and timers by state", ["state"])
job_seconds = Histogram(
    "murmur_job_seconds", "Time of one attempt of a job", ["kind"], buckets=(0.01, 0.1, 1, 5, 15, 60, 300, 1800)
)
requests = Histogram("murmur_http_request_seconds", "REST calls", ["method", "route", "status"])


@contextmanager
def handling(topic: str) -> Iterator[None]:
    """Measures the handling of one event."""
    started = perf_counter()
    try:
        yield
    finally:
        handler_seconds.labels(topic).observe(perf_counter() - started)
