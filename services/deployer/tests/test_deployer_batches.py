"""From a request for a batch to the one fact that ends it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from batch_harness import CHUNK_ROWS, BatchHarness, rows, serving
from pydantic import ValidationError

from murmur_deployer.batches.asking import AskForBatch, ask_for_batch, cancel_batch, remember_input
from murmur_deployer.batches.chunks import Manners
from murmur_deployer.batches.errors import BatchRefused
from murmur_deployer.domain.batch import BatchState
from murmur_deployer.domain.batch_input import BatchInput, Column
from murmur_deployer.domain.deployment import Deployment
from murmur_deployer.repository import DEPLOYMENTS
from murmur_events.batches import BatchCompleted, BatchFailed, BatchRequested
from murmur_events.values import Artifact
from murmur_kernel.errors import Missing, Refused
from murmur_kernel.testing import STORES, StoreName


@pytest.fixture(params=STORES)
async def batches(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BatchHarness]:
    store: StoreName = request.param
    harness = BatchHarness(store, tmp_path)
    async with harness.kernel:
        await harness.serve(1, 2)
        yield harness


async def test_every_row_is_scored_once_in_its_order(batches: BatchHarness, tmp_path: Path) -> None:
    fact = await batches.score(await batches.sent(rows(1500), group_rows=700))
    assert isinstance(fact, BatchCompleted)
    assert (fact.batch, fact.version, fact.rows, fact.failed_rows) == ("b-1", 2, 1500, 0)
    output = await batches.output(fact.output, tmp_path / "out")
    assert output["row"] == list(range(1500))
    assert output["probability"] == [row + row % 90 for row in range(1500)]
    assert set(output["error"]) == {None}
    batch = await batches.batch()
    assert (batch.state, batch.progress.chunks_done, batch.rows_done) == (BatchState.COMPLETED, 3, 1500)
    assert batches.spool.batches() == []


async def test_requests_are_small_and_named_after_batch_and_chunk(batches: BatchHarness) -> None:
    await batches.score(await batches.sent(rows(700)))
    assert batches.scorer.asked == [
        ("b-1/000000/000", 250),
        ("b-1/000000/001", 250),
        ("b-1/000000/002", 100),
        ("b-1/000001/000", 100),
    ]


async def test_missing_values_stay_missing(batches: BatchHarness, tmp_path: Path) -> None:
    given = await batches.sent({"age": [None, 3, 4], "limit": [1.0, float("nan"), None]})
    fact = await batches.score(given)
    assert (await batches.output(fact.output, tmp_path / "out"))["probability"] == [1.0, 3.0, 4.0]


async def test_a_request_heard_twice_is_done_once(batches: BatchHarness) -> None:
    given = await batches.sent(rows(10))
    await batches.ask(given)
    await batches.ask(given)
    await batches.run()
    assert len(batches.kernel.published) == len(batches.scorer.asked) == 1
    await batches.ask(given)
    await batches.run()
    assert len(batches.kernel.published) == len(batches.scorer.asked) == 1
    assert (await batches.batch()).state is BatchState.COMPLETED


REFUSED = {
    "unknown_deployment": ({"deployment": "nobody"}, rows(3), "no deployment 'nobody' is known"),
    "not_serving": ({"version": 1}, rows(3), "version 1 of 'credit' does not serve, version 2 does"),
    "no_rows": ({}, {"limit": [], "age": []}, "no rows"),
    "columns_differ": (
        {},
        {"limit": ["high"], "agee": [1]},
        "column 'age' is missing; column 'agee' is none of the model's: leave it out; column 'limit' has type string:"
        " models take numbers (version 2 of 'credit' takes 'limit', 'age')",
    ),
}


@pytest.mark.parametrize("cause", REFUSED)
async def test_what_cannot_be_scored_is_refused_before_anything_is(batches: BatchHarness, cause: str) -> None:
    wish, columns, words = REFUSED[cause]
    fact = await batches.score(await batches.sent(columns), **wish)
    assert isinstance(fact, BatchFailed)
    assert (fact.cause, fact.rows_done, batches.scorer.asked) == (cause, 0, [])
    assert words in fact.message
    assert (await batches.batch()).state is BatchState.FAILED
    assert batches.spool.batches() == []


async def test_what_is_no_parquet_is_refused(batches: BatchHarness) -> None:
    fact = await batches.score(await batches.artifacts.put_bytes(b"a,b\n1,2\n", suffix=".parquet"))
    assert (fact.cause, fact.message.split(":")[0]) == ("input_unreadable", "the input is no Parquet file")


async def test_an_input_is_looked_for_in_this_store_only(batches: BatchHarness, tmp_path: Path) -> None:
    """A client names any URI: what is there is not read."""
    given = await batches.sent(rows(3))
    stored = Path(given.uri.removeprefix("file://"))
    elsewhere = stored.rename(tmp_path / "elsewhere.parquet")
    fact = await batches.score(Artifact(uri=f"file://{elsewhere}", sha256=given.sha256, size=given.size))
    assert (fact.cause, batches.scorer.asked) == ("input_missing", [])
    assert given.sha256 in fact.message


@pytest.mark.parametrize("name", ["../../x", "a/b", ".", "", "b\n", "b" * 101])
def test_an_id_that_could_name_another_folder_is_no_id(name: str) -> None:
    nothing = Artifact(uri="file:///nowhere", sha256="0" * 64, size=0)
    with pytest.raises(ValidationError, match="batch"):
        BatchRequested(batch=name, deployment="credit", input=nothing, by="ada")


async def test_a_version_that_is_asked_for_scores_while_it_serves(batches: BatchHarness) -> None:
    fact = await batches.score(await batches.sent(rows(3)), version=2)
    assert (fact.version, batches.scorer.replicas) == (2, ["credit-v2-1"])


async def ended_midway(batches: BatchHarness, at: int) -> None:
    """The worker dies in its request number `at`; nothing of it is told."""
    batches.scorer.dies_at = at
    with suppress(asyncio.CancelledError):
        await batches.kernel.run_jobs()
    await batches.kernel.store.disown("harness")
    batches.kernel.clock.advance(60)


@pytest.mark.parametrize("at", [1, 3, 4, 7])
async def test_a_killed_workers_successor_goes_on_and_the_output_is_the_same(
    batches: BatchHarness, tmp_path: Path, at: int
) -> None:
    given = await batches.sent(rows(1500))
    undisturbed = await batches.score(given, batch="b-0")
    before = len(batches.scorer.asked)
    await batches.ask(given)
    batches.scorer.asked.clear()
    await ended_midway(batches, at)
    done = await batches.batch()
    await batches.run()
    [fact] = batches.kernel.take_published()
    assert fact.output == undisturbed.output
    again = [name for name, times in Counter(name for name, _ in batches.scorer.asked).items() if times > 1]
    chunks = done.progress.chunks_done if done.progress else 0
    assert (await batches.batch()).progress.chunks_done == 3
    assert chunks == at * 250 // CHUNK_ROWS if at < 3 else chunks >= 1
    assert {name.rsplit("/", 1)[0] for name in again} <= {f"b-1/{chunks:06d}"}, "only the chunk under way comes again"
    assert len(batches.scorer.asked) == before + len(again)


async def test_parts_that_are_gone_are_scored_again_and_not_believed(batches: BatchHarness) -> None:
    given = await batches.sent(rows(1500))
    undisturbed = await batches.score(given, batch="b-0")
    await batches.ask(given)
    await ended_midway(batches, len(batches.scorer.asked) + 4)
    assert (await batches.batch()).progress.chunks_done == 1
    [part] = batches.spool.input("b-1").parent.glob("000000.parquet")
    part.write_bytes(b"changed")
    await batches.run()
    [fact] = batches.kernel.take_published()
    assert fact.output == undisturbed.output


async def test_a_row_that_the_model_refuses_has_no_output_but_a_reason(batches: BatchHarness, tmp_path: Path) -> None:
    columns = {"limit": [float(row) for row in range(300)], "age": [1] * 300}
    columns["limit"][7] = columns["limit"][260] = -1.0
    columns["limit"][8] = float("inf")
    fact = await batches.score(await batches.sent(columns))
    output = await batches.output(fact.output, tmp_path / "out")
    assert (fact.rows, fact.failed_rows) == (300, 3)
    assert {row: error for row, error in enumerate(output["error"]) if error} == {
        7: "input 'limit' is -1.0: it was never seen",
        8: "input 'limit' is infinite: leave it empty if it is missing",
        260: "input 'limit' is -1.0: it was never seen",
    }
    assert [row for row, value in enumerate(output["probability"]) if value is None] == [7, 8, 260]
    assert output["probability"][9] == 10.0


async def test_too_many_refused_rows_end_the_batch(batches: BatchHarness) -> None:
    fact = await batches.score(await batches.sent({"limit": [1.0] * 700, "age": [1] * 650 + [-1] * 50}))
    assert (fact.cause, fact.rows_done) == ("too_many_failed_rows", 600)
    assert "50 rows were refused, and 10 may be, such as row 650: input 'age' is -1.0" in fact.message


def replaced(kept: int) -> Deployment:
    """Version 3 serves, and `kept` is on its way out."""
    return replace(serving(3), retiring=serving(kept).serving.replicas)


async def test_the_version_that_began_a_batch_ends_it_whatever_is_promoted_meanwhile(batches: BatchHarness) -> None:
    given = await batches.sent(rows(1500))
    undisturbed = await batches.score(given, batch="b-0")
    await batches.ask(given)
    await ended_midway(batches, len(batches.scorer.asked) + 4)
    assert (await batches.batch()).progress.chunks_done == 1
    await batches.kernel.given(replaced(2))
    await batches.run()
    [fact] = batches.kernel.take_published()
    assert (fact.version, fact.output) == (2, undisturbed.output)
    assert set(batches.scorer.replicas) == {"credit-v2-1"}


async def test_a_batch_that_begins_takes_what_serves_not_what_retires(batches: BatchHarness) -> None:
    await batches.serve(2, 3)
    await batches.kernel.given(replaced(2))
    assert (await batches.score(await batches.sent(rows(3)))).version == 3
    fact = await batches.score(await batches.sent(rows(3)), batch="b-2", version=2)
    assert fact.cause == "not_serving"


async def test_a_promotion_while_the_file_comes_makes_the_batch_the_new_versions(batches: BatchHarness) -> None:
    await batches.serve(1, 2, 3)
    await batches.kernel.given(serving(2))
    fetch = batches.artifacts.fetch

    async def fetched(*args: object) -> Path:
        await batches.kernel.given(replace(await batches.kernel.get(DEPLOYMENTS, "credit"), serving=serving(3).serving))
        return await fetch(*args)

    batches.artifacts.fetch = fetched
    assert (await batches.score(await batches.sent(rows(3)))).version == 3


@pytest.mark.parametrize(("infinite", "asked"), [(700, 0), (13, 0), (10, 3)])
async def test_infinite_rows_count_as_refused_ones(batches: BatchHarness, infinite: int, asked: int) -> None:
    """Nobody is asked about them: also where a whole chunk consists of them, or none of its rows is refused."""
    rows = {"limit": [float("inf")] * infinite + [1.0] * (700 - infinite), "age": [1] * 700}
    fact = await batches.score(await batches.sent(rows))
    if asked:
        assert (fact.rows, fact.failed_rows) == (700, 10)
    else:
        assert (fact.cause, fact.rows_done, batches.scorer.asked) == ("too_many_failed_rows", 0, [])
        assert f"{min(infinite, 600)} rows were refused, and 10 may be, such as row 0: input 'limit' is" in fact.message


async def test_a_version_that_is_not_kept_any_more_ends_its_batch(batches: BatchHarness) -> None:
    await batches.ask(await batches.sent(rows(1500)))
    await ended_midway(batches, 4)
    await batches.kernel.given(serving(3))
    await batches.run()
    [fact] = batches.kernel.take_published()
    assert (fact.cause, fact.version, fact.rows_done) == ("version_gone", 2, 600)
    assert "version 3 does: ask for that one" in fact.message
    assert "MURMUR_BATCH_HOLD_SECONDS" in fact.message


async def test_a_replica_that_is_away_is_waited_for(tmp_path: Path) -> None:
    batches = BatchHarness("memory", tmp_path, manners=Manners(share=1.0, patience=30.0))
    batches.scorer.away = 2
    async with batches.kernel:
        await batches.serve(1)
        assert isinstance(await batches.score(await batches.sent(rows(3))), BatchCompleted)


async def test_a_replica_that_stays_away_ends_the_batch(batches: BatchHarness) -> None:
    batches.scorer.away = 1000
    fact = await batches.score(await batches.sent(rows(3)))
    assert (fact.cause, fact.message) == ("not_answering", "no answer for 0 s, the last: connection refused")


async def test_attempts_that_fail_again_and_again_end_in_a_fact(batches: BatchHarness) -> None:
    await batches.ask(await batches.sent(rows(3)))
    batches.spool.input = None  # whatever breaks
    await batches.run()
    [fact] = batches.kernel.take_published()
    assert (fact.cause, fact.message.split(",")[0]) == ("gave_up", "3 attempts failed")


async def asked_by_rest(batches: BatchHarness, given: Artifact, *, columns=("limit", "age"), **wish) -> str:
    found = tuple(Column(name, "double", numeric=True) for name in columns)
    file = BatchInput(given.sha256, given.uri, given.size, 3, found, batches.kernel.clock.now())
    await batches.kernel.change(remember_input, file)
    command = AskForBatch(**({"deployment": "credit", "version": None, "input": given.sha256, "by": "ada"} | wish))
    return (await batches.kernel.change(ask_for_batch, command)).id


async def test_a_call_begins_a_chain_that_ends_in_the_fact(batches: BatchHarness) -> None:
    name = await asked_by_rest(batches, await batches.sent(rows(3)))
    [asked] = batches.kernel.envelopes
    assert isinstance(asked.event, BatchRequested)
    await batches.kernel.receives(asked.event, event_id=asked.id)
    await batches.run()
    [_, ended] = batches.kernel.envelopes
    assert (ended.topic, ended.key) == ("batch.completed", name)
    assert (ended.correlation_id, ended.causation_id) == (asked.correlation_id, asked.id)


@pytest.mark.parametrize(
    ("wish", "error", "words"),
    [
        ({"deployment": "nobody"}, Missing, "nobody"),
        ({"version": 1}, BatchRefused, "version 1 of 'credit' does not serve"),
        ({"input": "f" * 64}, BatchRefused, "send the file first"),
        ({"columns": ("limit",)}, BatchRefused, "column 'age' is missing"),
    ],
)
async def test_a_call_that_cannot_be_done_begins_nothing(batches: BatchHarness, wish, error, words) -> None:
    with pytest.raises(error, match=words):
        await asked_by_rest(batches, await batches.sent(rows(3)), **wish)
    assert batches.kernel.published == []
    assert await batches.kernel.run_jobs() == 0


async def test_a_batch_that_is_called_off_is_scored_no_further(batches: BatchHarness) -> None:
    name = await asked_by_rest(batches, await batches.sent(rows(1500)))
    await ended_midway(batches, 4)
    asked = len(batches.scorer.asked)
    await batches.kernel.change(cancel_batch, name)
    await batches.kernel.change(cancel_batch, name)
    await batches.run()
    [requested, ended] = batches.kernel.envelopes
    assert (ended.event.cause, ended.event.rows_done, len(batches.scorer.asked)) == ("cancelled", 600, asked)
    assert (ended.correlation_id, ended.causation_id) == (requested.correlation_id, requested.id)
    batches.kernel.take_published()
    assert batches.spool.batches() == [name]
    await batches.score(await batches.sent(rows(3)), batch="b-next")
    assert batches.spool.batches() == [], "the next batch tidies up"


async def test_what_has_ended_cannot_be_called_off(batches: BatchHarness) -> None:
    await batches.score(await batches.sent(rows(3)))
    with pytest.raises(Refused, match="'b-1' is completed already"):
        await batches.kernel.change(cancel_batch, "b-1")
    with pytest.raises(Missing):
        await batches.kernel.change(cancel_batch, "nobody")
