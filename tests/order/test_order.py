"""Whatever order the broker hands events over in, every service ends the same: each pair swapped, shuffles, doubles.

The orders are generated from the catalog's golden story and the services' own tables: a new subscription is covered as
soon as it is written, and fails here until the story has an event for it.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from histories import REVIEW, Swap, history_of, shuffled, swaps
from listeners import table_of
from replaying import UNITS, Ending, ending_of, table_for

from murmur_events.catalog import SERVICES, topic_named
from murmur_events.runs import RunCompleted, RunLogged, RunStarted

SEEDS = range(12)

every_service = pytest.mark.parametrize("service", SERVICES)


@cache
def cases() -> tuple[Any, ...]:
    return tuple(
        pytest.param(service, swap, id=f"{service}: {swap.later.name} before {swap.earlier.name}")
        for service in SERVICES
        for swap in swaps(service)
    )


_ORDINARY: dict[str, Ending] = {}
"""Told once a service: the story in its own order always ends alike."""


async def ordinary(service: str) -> Ending:
    if service not in _ORDINARY:
        ending = await ending_of(service, history_of(service))
        assert (ending.unborn, ending.parked, ending.dead_letters) == ((), 0, ())
        _ORDINARY[service] = ending
    return _ORDINARY[service]


def assert_same(found: Ending, wanted: Ending) -> None:
    """Field by field, so that a difference is seen."""
    assert found.unborn == wanted.unborn
    assert found.dead_letters == wanted.dead_letters
    assert found.parked == wanted.parked
    for name in sorted(found.documents.keys() | wanted.documents.keys()):
        assert found.documents.get(name) == wanted.documents.get(name), name
    assert found.published == wanted.published
    assert found.jobs == wanted.jobs


@every_service
def test_every_subscription_is_exercised(service: str) -> None:
    assert service in UNITS, f"tell tests/order/replaying.py how {service} is put together"
    told = {step.envelope.topic for step in history_of(service)}
    unheard = [
        subscription.topic
        for subscription in table_of(service)
        if subscription.topic not in told and service not in topic_named(subscription.topic).writers
    ]
    assert unheard == [], "the golden story has no event for them: write contracts/examples/<topic>/v1/…"


@pytest.mark.parametrize(("service", "swap"), cases())
async def test_a_pair_in_the_other_order_ends_the_same(service: str, swap: Swap) -> None:
    as_told = list(swap.usual) == history_of(service)
    usual = await ordinary(service) if as_told else await ending_of(service, swap.usual)
    assert usual.dead_letters == ()
    assert_same(await ending_of(service, swap.other), usual)


@every_service
@pytest.mark.parametrize("seed", SEEDS)
async def test_any_order_that_keeps_keys_in_order_ends_the_same(service: str, seed: int) -> None:
    assert_same(await ending_of(service, shuffled(service, seed), twice=seed % 2 == 1), await ordinary(service))


@every_service
async def test_every_event_twice_ends_the_same(service: str) -> None:
    assert_same(await ending_of(service, history_of(service), twice=True), await ordinary(service))


def test_what_a_lower_attempt_says_late_is_among_the_orders() -> None:
    """The generator would prove little if it left out the case that fencing is for."""
    found = {
        frozenset((type(step.envelope.event), step.envelope.event.attempt) for step in (swap.earlier, swap.later))  # type: ignore[attr-defined]
        for swap in swaps("tracking")
        if swap.earlier.envelope.key == "r-two-attempts"
    }
    assert frozenset({(RunStarted, 2), (RunCompleted, 1)}) in found
    assert frozenset({(RunStarted, 2), (RunLogged, 1)}) in found


async def test_the_generator_sees_a_parking_that_is_taken_out() -> None:
    """Negative control: a registry that goes on without the rules it should wait for ends otherwise."""

    async def forgetful(event: Any, uow: Any) -> None:
        return  # as if the verdict had been swallowed where it should have waited

    table = [
        replace(subscription, handler=_unless_known(subscription.handler, forgetful))
        if subscription.topic == "validation.completed"
        else subscription
        for subscription in table_for("registry")
    ]
    story = [step for step in history_of("registry") if step.envelope.topic != REVIEW]
    applied = [step for step in story if step.envelope.topic == "workflow.applied"]
    late = [*(step for step in story if step not in applied), *applied]
    broken, healthy = await ending_of("registry", late, table=table), await ending_of("registry", late)
    with pytest.raises(AssertionError):
        assert_same(broken, healthy)


def _unless_known(handler: Any, otherwise: Any) -> Any:
    async def handle(event: Any, uow: Any) -> None:
        rules = await uow.rules.find(limit=1)
        await (handler if rules.items else otherwise)(event, uow)

    return handle
