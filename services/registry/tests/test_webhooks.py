"""Webhooks: what is committed is sent, signed, tried again, and given up in the end; nobody else is reached by it."""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from registry_facts import run_completed

from murmur_events.troubles import TroubleReported
from murmur_kernel.documents import Query
from murmur_kernel.testing import STORES, Harness
from murmur_registry.app import jobs_with
from murmur_registry.cataloguing import MakeModel, make_model
from murmur_registry.consumers import subscriptions
from murmur_registry.domain.because import Because
from murmur_registry.domain.refusals import Invalid, NotPossible, Taken
from murmur_registry.domain.webhooks import DELAYS, Delivery, DeliveryState, Try, Webhook
from murmur_registry.handlers import Handlers
from murmur_registry.repository import KINDS, MODELS, RegistryUnitOfWork
from murmur_registry.webhooks.commands import (
    ChangeWebhook,
    MakeWebhook,
    SendAgain,
    change_webhook,
    delete_webhook,
    make_webhook,
    send_again,
)
from murmur_registry.webhooks.delivering import Delivering
from murmur_registry.webhooks.documents import DELIVERIES, WEBHOOKS
from murmur_registry.webhooks.reaching import Reach
from murmur_registry.webhooks.signing import new_secret, signed_headers

BOB = Because("bob", "it is new")
PATIENCE = timedelta(days=3)


@dataclass
class Receiver:
    """What would have been sent, and the status that is answered to each; 0 is no answer."""

    answers: list[int] = field(default_factory=list)
    got: list[Delivery] = field(default_factory=list)

    async def send(self, webhook: Webhook, delivery: Delivery, at: datetime) -> Try:
        self.got.append(delivery)
        status = self.answers.pop(0) if self.answers else 200
        return Try(at=at, status=status or None, error="" if status else "ConnectError: refused", seconds=0.01)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture(params=STORES)
async def hooked(
    request: pytest.FixtureRequest, handlers: Handlers, receiver: Receiver
) -> AsyncIterator[Harness[RegistryUnitOfWork]]:
    async with Harness(
        RegistryUnitOfWork,
        kinds=KINDS,
        subscriptions=subscriptions(handlers),
        jobs=jobs_with(Delivering(receiver, PATIENCE)),
        store=request.param,
    ) as harness:
        yield harness


Hooked = Harness[RegistryUnitOfWork]


async def given_webhook(hooked: Hooked, *topics: str, workspace: str | None = None) -> Webhook:
    command = MakeWebhook(
        url="http://127.0.0.1:9/hook", topics=topics or ("*",), workspace=workspace, secret=new_secret(), by="olga"
    )
    return await hooked.change(make_webhook, command)


async def make(hooked: Hooked, name: str = "churn", workspace: str = "default") -> None:
    await hooked.change(make_model, MakeModel(workspace=workspace, name=name, because=BOB))


async def deliveries(hooked: Hooked) -> list[Delivery]:
    page = await hooked.store.find(DELIVERIES.name, Query(limit=500))
    return [DELIVERIES.load(document.body) for document in page.items]


async def the_webhook(hooked: Hooked, webhook: Webhook) -> Webhook:
    found = await hooked.get(WEBHOOKS, webhook.id)
    assert found is not None
    return found


async def test_what_is_committed_is_sent_once_with_what_the_event_says(hooked: Hooked, receiver: Receiver) -> None:
    await given_webhook(hooked)
    await make(hooked)
    await hooked.run_jobs()
    [sent] = receiver.got
    [envelope] = hooked.envelopes
    assert (sent.message, sent.topic) == (envelope.id, "model.changed")
    assert json.loads(sent.body) == {
        "type": "model.changed",
        "timestamp": envelope.time.isoformat(),
        "data": envelope.event.model_dump(mode="json"),
    }
    [kept] = await deliveries(hooked)
    assert (kept.state, [one.status for one in kept.tries]) == (DeliveryState.DELIVERED, [200])
    assert await hooked.run_jobs() == 0


async def test_what_a_workflow_does_is_sent_too(hooked: Hooked, receiver: Receiver) -> None:
    await given_webhook(hooked, "model.registered")
    await hooked.receives(run_completed(), event_id="e")
    await hooked.receives(run_completed(), event_id="e")
    await hooked.run_jobs()
    assert [sent.topic for sent in receiver.got] == ["model.registered"]


async def test_only_what_is_wanted_of_the_workspace_that_is_meant(hooked: Hooked, receiver: Receiver) -> None:
    await given_webhook(hooked, "alias.moved")
    await given_webhook(hooked, "model.changed", workspace="vision")
    await make(hooked, "churn")
    await make(hooked, "cats", workspace="vision")
    await hooked.run_jobs()
    assert [json.loads(sent.body)["data"]["name"] for sent in receiver.got] == ["cats"]


async def test_what_is_not_committed_is_not_sent(hooked: Hooked, receiver: Receiver) -> None:
    await given_webhook(hooked)

    async def lose(name: str, uow: RegistryUnitOfWork) -> None:
        await make_model(MakeModel(workspace="default", name=name, because=BOB), uow)
        model = await uow.models.require(name)
        await hooked.given(replace(model, description="somebody else was faster"))

    with pytest.raises(Taken):
        await hooked.change(lose, "churn")
    await hooked.run_jobs()
    assert receiver.got == []
    assert await hooked.get(MODELS, "churn") is not None


async def test_a_failure_is_tried_again_later_and_later_under_the_same_id(hooked: Hooked, receiver: Receiver) -> None:
    webhook = await given_webhook(hooked)
    receiver.answers = [500, 0, 302, 200]
    await make(hooked)
    await hooked.run_jobs()
    assert len(receiver.got) == 1
    for number, delay in enumerate(DELAYS[:3], start=2):
        hooked.clock.advance(delay.total_seconds() - 1)
        await hooked.run_jobs()
        assert len(receiver.got) == number - 1
        hooked.clock.advance(1)
        await hooked.run_jobs()
        assert len(receiver.got) == number
    assert len({sent.message for sent in receiver.got}) == 1
    [kept] = await deliveries(hooked)
    assert [one.outcome for one in kept.tries] == ["status 500", "ConnectError: refused", "status 302", "status 200"]
    assert kept.state is DeliveryState.DELIVERED
    assert (await the_webhook(hooked, webhook)).failing_since is None


async def fail_through(hooked: Hooked, receiver: Receiver) -> None:
    """All tries of one message."""
    receiver.answers = [500] * (len(DELAYS) + 1)
    await hooked.run_jobs()
    for delay in DELAYS:
        hooked.clock.advance(delay.total_seconds())
        await hooked.run_jobs()


async def test_after_the_last_try_a_message_is_given_up_and_may_be_sent_again(
    hooked: Hooked, receiver: Receiver
) -> None:
    webhook = await given_webhook(hooked)
    await make(hooked)
    [waiting] = await deliveries(hooked)
    again = SendAgain(webhook=webhook.id, message=waiting.message)
    with pytest.raises(NotPossible, match="is on its way"):
        await hooked.change(send_again, again)
    await fail_through(hooked, receiver)
    [kept] = await deliveries(hooked)
    assert (kept.state, len(kept.tries)) == (DeliveryState.GIVEN_UP, len(DELAYS) + 1)
    assert await hooked.run_jobs() == 0
    await hooked.change(send_again, again)
    await hooked.run_jobs()
    [kept] = await deliveries(hooked)
    assert kept.state is DeliveryState.DELIVERED


async def test_a_webhook_that_fails_for_long_gets_nothing_more_and_people_are_told(
    hooked: Hooked, receiver: Receiver
) -> None:
    webhook = await given_webhook(hooked)
    await make(hooked, "one")
    await fail_through(hooked, receiver)
    assert (await the_webhook(hooked, webhook)).active
    hooked.clock.advance(PATIENCE.total_seconds())
    await make(hooked, "two")
    await make(hooked, "three")
    hooked.take_published()
    receiver.answers = [500]
    await hooked.run_jobs()
    disabled = await the_webhook(hooked, webhook)
    assert not disabled.active
    assert "failed, the last: status 500" in disabled.disabled
    [told] = hooked.take_published()
    assert isinstance(told, TroubleReported)
    assert (told.trouble, told.state, told.about) == (f"webhook-disabled/{webhook.id}", "began", webhook.url)
    assert [one.state for one in await deliveries(hooked)] == [DeliveryState.GIVEN_UP] * 3
    sent = len(receiver.got)
    await make(hooked, "four")
    await hooked.run_jobs()
    assert len(receiver.got) == sent

    hooked.take_published()
    await hooked.change(change_webhook, ChangeWebhook(id=webhook.id, enabled=True))
    [over] = hooked.take_published()
    assert isinstance(over, TroubleReported)
    assert over.state == "ended"
    await make(hooked, "five")
    await hooked.run_jobs()
    assert len(receiver.got) == sent + 1


async def test_a_success_between_failures_begins_the_count_anew(hooked: Hooked, receiver: Receiver) -> None:
    webhook = await given_webhook(hooked)
    for answer in (500, 200, 500):
        receiver.answers = [answer]
        await make(hooked, f"m{hooked.clock.now():%j}")
        await hooked.run_jobs()
        hooked.clock.advance(PATIENCE.total_seconds())
        receiver.answers = []
    assert (await the_webhook(hooked, webhook)).active


async def test_one_that_is_gone_says_so_itself(hooked: Hooked, receiver: Receiver) -> None:
    webhook = await given_webhook(hooked)
    receiver.answers = [410]
    await make(hooked)
    await hooked.run_jobs()
    assert "410" in (await the_webhook(hooked, webhook)).disabled


async def test_a_deleted_webhook_gets_nothing_not_even_what_was_on_its_way(hooked: Hooked, receiver: Receiver) -> None:
    webhook = await given_webhook(hooked)
    await make(hooked)
    await hooked.change(delete_webhook, webhook.id)
    await make(hooked, "cats")
    await hooked.run_jobs()
    assert receiver.got == []
    assert [one.state for one in await deliveries(hooked)] == [DeliveryState.GIVEN_UP]


async def test_only_events_of_the_registry_can_be_wanted(hooked: Hooked) -> None:
    for topics in (("run.completed",), ("registry.troubles",), ("model.changd", "*")):
        with pytest.raises(Invalid, match=rf"'{topics[0]}' is no event of the registry"):
            await given_webhook(hooked, *topics)


def test_signatures_are_those_of_standard_webhooks() -> None:
    """Known from the specification's own libraries; and computed once more by hand."""
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    at, body = datetime.fromtimestamp(1614265330, UTC), '{"test": 2432232314}'
    assert signed_headers(secret, message, at, body) == {
        "webhook-id": message,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secret = new_secret()
    signed = signed_headers(secret, "m", at, body)["webhook-signature"]
    digest = hmac.new(b64decode(secret.removeprefix("whsec_")), f"m.1614265330.{body}".encode(), "sha256").digest()
    assert signed == f"v1,{b64encode(digest).decode()}"
    assert new_secret() != secret


ADDRESSES = {
    "localhost": ["127.0.0.1", "::1"],
    "inside": ["10.1.2.3"],
    "outside": ["93.184.216.34"],
    "metadata": ["169.254.169.254"],
    "both": ["127.0.0.1", "10.1.2.3"],
    "wrapped": ["::ffff:10.1.2.3"],
    "nowhere": [],
}


async def known(host: str) -> list[str]:
    return ADDRESSES.get(host, [host])


@pytest.mark.parametrize(
    ("allowed", "within", "beyond"),
    [
        ("", ["localhost", "127.0.0.1", "[::1]"], ["inside", "outside", "metadata", "both", "wrapped", "0.0.0.0"]),
        ("inside", ["localhost", "inside"], ["outside", "metadata", "10.1.2.3"]),
        ("10.1.0.0/16", ["inside", "both", "wrapped", "10.1.9.9"], ["outside", "metadata"]),
        ("*", ["inside", "outside", "both"], ["metadata", "0.0.0.0"]),
        ("169.254.0.0/16", ["metadata"], ["outside"]),
    ],
)
async def test_nothing_beyond_this_machine_is_reached_unless_a_setting_allows_it(
    allowed: str, within: list[str], beyond: list[str]
) -> None:
    reach = Reach(tuple(filter(None, [allowed])), resolve=known)
    for host in within:
        assert await reach.address_of(f"http://{host}:8000/hook")
    for host in beyond:
        with pytest.raises(Invalid, match="which is not this machine: allow it with MURMUR_WEBHOOK_HOSTS"):
            await reach.address_of(f"http://{host}:8000/hook")
    with pytest.raises(OSError, match="has no address"):
        await reach.address_of("http://nowhere/")


@pytest.mark.parametrize(
    "url", ["ftp://localhost/", "localhost", "http://", "http://a:b@localhost/", "http://x:99999/"]
)
def test_what_is_no_address_of_a_web_server_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        Reach().check_url(url)
