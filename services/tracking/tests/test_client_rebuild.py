"""What clients told is made again from the log, in any order of its topics, and answers alike."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

from client_calls import Running
from test_logged_models import made, measured
from test_rebuild import opened

from murmur_kernel.rebuilding import Rebuilder
from murmur_kernel.store import RawRecord, Store
from murmur_kernel.testing import eventually
from murmur_kernel.unit_of_work import Origin
from murmur_tracking import logged_models
from murmur_tracking.consumers import SUBSCRIPTIONS
from murmur_tracking.logged_models import MeasuredModel, ModelOf
from murmur_tracking.repository import TrackingUnitOfWork

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def on_the_broker(running: Running) -> dict[str, list[RawRecord]]:
    """All that was said, by topic."""

    async def all_said() -> bool:
        return await running.service.store.outbox_depth() == (0, None)

    await eventually(all_said)
    heard = {one.topic: list(running.heard(one.topic)) for one in SUBSCRIPTIONS}
    return {topic: records for topic, records in heard.items() if records}


async def rebuilt(store: Store, records: list[RawRecord]) -> None:
    rebuilder = Rebuilder("tracking", store, TrackingUnitOfWork, SUBSCRIPTIONS, start=NOW)
    result = await rebuilder.replay([(NOW, record) for record in records])
    assert (result.waiting, result.dead) == ([], {})


async def model_in(store: Store, model_id: str) -> MeasuredModel:
    unit = TrackingUnitOfWork(store, Origin(id="query", source="tracking", now=NOW))
    return await logged_models.show((ModelOf("default", model_id), False), unit)


async def test_logged_models_and_what_was_measured_of_them_are_made_again(running: Running, tmp_path: Path) -> None:
    client = running.client
    model, run = await made(client, name="booster"), await client.run()
    await measured(client, run, model, 0.5, dataset_name="d", dataset_digest="x")
    await measured(client, run, model, "NaN", timestamp=2)
    await client.send("PATCH", f"/logged-models/{model}", status="LOGGED_MODEL_READY")
    told = await on_the_broker(running)
    before = await model_in(running.service.store, model)
    assert (before.model.status, len(before.measured[0].metrics)) == ("ready", 2)
    for place, order in enumerate(permutations(told)):
        async with opened(tmp_path / f"rebuilt-{place}.db") as store:
            await rebuilt(store, [record for topic in order for record in told[topic]])
            assert repr(await model_in(store, model)) == repr(before), "NaN is not itself, its words are"
