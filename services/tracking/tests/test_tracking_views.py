"""Lists, pages and comparisons over the history of runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tracking_facts import artifact, completed, failed, logged, provenance, started

from murmur_events.reproductions import Difference, MetricDifference, Reproduction
from murmur_events.runs import Hardware
from murmur_events.values import Source
from murmur_kernel.documents import Page
from murmur_kernel.errors import BadCursor, Missing
from murmur_kernel.testing import Harness
from murmur_tracking import comparing, views
from murmur_tracking.comparing import CompareRuns
from murmur_tracking.domain.runs import RunStatus
from murmur_tracking.paging import unpacked_page
from murmur_tracking.repository import TrackingUnitOfWork
from murmur_tracking.views import ListRuns, ReadBatches, Sort

Tracking = Harness[TrackingUnitOfWork]


async def given_runs(tracking: Tracking) -> None:
    """a completed, b failed, c still running, d completed in another workflow; started in this order."""
    await tracking.receives(completed("a", auc=0.75, parameters={"max_depth": 4, "eta": 0.1, "note": "same"}, begin=0))
    await tracking.receives(started("b", begin=100))
    await tracking.receives(failed("b", begin=100))
    await tracking.receives(started("c", begin=200))
    await tracking.receives(completed("d", workflow="fraud", auc=0.8, begin=300))


async def ids(tracking: Tracking, query: ListRuns) -> list[str]:
    return [run.run_id for run in (await tracking.read(views.list_runs, query)).items]


async def test_runs_are_listed_newest_first_and_filtered(tracking: Tracking) -> None:
    await given_runs(tracking)
    assert await ids(tracking, ListRuns()) == ["d", "c", "b", "a"]
    assert await ids(tracking, ListRuns(workflow="credit", sort=Sort.OLDEST)) == ["a", "b", "c"]
    assert await ids(tracking, ListRuns(workflow="credit", status=RunStatus.COMPLETED)) == ["a"]
    assert await ids(tracking, ListRuns(status=RunStatus.RUNNING)) == ["c"]
    assert await ids(tracking, ListRuns(trigger="manual")) == []


async def test_runs_come_in_pages(tracking: Tracking) -> None:
    await given_runs(tracking)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page = await tracking.read(views.list_runs, ListRuns(sort=Sort.OLDEST, limit=1, cursor=cursor))
        seen += [run.run_id for run in page.items]
        cursor = page.next
    assert cursor is None
    assert sorted(seen) == ["a", "b", "c", "d"]


async def test_points_and_lines_come_in_pages_of_exactly_so_many(tracking: Tracking) -> None:
    await tracking.receives(started())
    for step in range(7):
        await tracking.receives(logged(step=step, value=step / 10, lines=(f"{step}a", f"{step}b", f"{step}c")))
    lines: list[str] = []
    cursor: str | None = None
    while True:
        page = await tracking.read(views.list_lines, ReadBatches(run_id="run-1", limit=4, cursor=cursor))
        lines += page.items
        if (cursor := page.next) is None:
            break
        assert len(page.items) == 4
    assert lines == [f"{step}{letter}" for step in range(7) for letter in "abc"]
    points = await tracking.read(views.list_points, ReadBatches(run_id="run-1", metric="auc", limit=3))
    assert [point.step for point in points.items] == [0, 1, 2]
    nothing = await tracking.read(views.list_points, ReadBatches(run_id="run-1", metric="f1"))
    assert (nothing.items, nothing.next) == ([], None)


@given(sizes=st.lists(st.integers(0, 5), max_size=12), limit=st.integers(1, 7), at_once=st.integers(1, 4))
async def test_pages_of_any_size_give_every_item_once_and_in_order(sizes: list[int], limit: int, at_once: int) -> None:
    documents = [[(number, item) for item in range(size)] for number, size in enumerate(sizes)]

    async def fetch(cursor: str | None) -> Page[list[tuple[int, int]]]:
        start = int(cursor or 0)
        end = start + at_once
        return Page(tuple(documents[start:end]), str(end) if end < len(documents) else None)

    seen: list[tuple[int, int]] = []
    cursor: str | None = None
    while True:
        page = await unpacked_page(fetch, lambda document: document, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        assert len(page.items) == limit or page.next is None
        seen += page.items
        if (cursor := page.next) is None:
            break
    assert seen == [item for document in documents for item in document]


@pytest.mark.parametrize("cursor", ["", "nonsense", "x~y", "-1~"])
async def test_a_made_up_cursor_is_refused(tracking: Tracking, cursor: str) -> None:
    await tracking.receives(started())
    with pytest.raises(BadCursor):
        await tracking.read(views.list_lines, ReadBatches(run_id="run-1", cursor=cursor))


async def test_a_comparison_shows_first_what_differs(tracking: Tracking) -> None:
    await given_runs(tracking)
    await tracking.receives(completed("e", auc=0.8, parameters={"max_depth": 6, "eta": 0.1, "note": "same"}))
    view = (await tracking.read(comparing.compare_runs, CompareRuns(workspace="default", run_ids=("a", "e", "d")))).view
    assert [run.run_id for run in view.runs] == ["a", "e", "d"]
    assert [(row.name, row.values, row.differs) for row in view.parameters] == [
        ("max_depth", [4, 6, 4], True),
        ("note", ["same", "same", None], True),
        ("eta", [0.1, 0.1, 0.1], False),
    ]
    assert [(row.name, row.values) for row in view.metrics] == [("auc", [0.75, 0.8, 0.8])]
    assert view.circumstances[0].name == "workflow"
    assert view.circumstances[0].differs


async def test_a_comparison_shows_where_code_data_and_numbers_came_from(tracking: Tracking) -> None:
    here = provenance().model_copy(
        update={
            "lock": "1" * 64,
            "interpreter": "3.11.7",
            "platform": "linux",
            "hardware": Hardware(processor="EPYC", machine="x86_64", cores=2, memory=8_000_000_000, threads=1),
            "source": Source(commit="a" * 40, dirty=True, diff=artifact("diff")),
        }
    )
    clean = here.model_copy(update={"source": Source(commit="a" * 40, dirty=False), "seed": 2})
    for run_id, told in (("dirty", here), ("clean", clean)):
        await tracking.receives(completed(run_id).model_copy(update={"provenance": told}))
    await tracking.receives(completed("silent"))
    query = CompareRuns(workspace="default", run_ids=("dirty", "clean", "silent"))
    rows = {row.name: row for row in (await tracking.read(comparing.compare_runs, query)).view.circumstances}
    assert rows["uncommitted changes"].values == [artifact("diff").sha256, "none", None]
    assert rows["commit"].values == ["a" * 40, "a" * 40, None]
    assert rows["seed"].values == [1, 2, 1]
    assert rows["environment"].values == [artifact("env").sha256] * 3
    assert rows["dataset"].values == ["d" * 64] * 3
    assert rows["lock"].values == ["1" * 64, "1" * 64, None]
    for name, value in {
        "python": "3.11.7",
        "platform": "linux",
        "processor": "EPYC",
        "machine": "x86_64",
        "cores": 2,
        "memory (bytes)": 8_000_000_000,
        "threads": 1,
    }.items():
        assert rows[name].values == [value, value, None]


async def test_a_run_named_twice_is_compared_once(tracking: Tracking) -> None:
    await given_runs(tracking)
    query = CompareRuns(workspace="default", run_ids=("a", "c", "a"))
    assert len((await tracking.read(comparing.compare_runs, query)).runs) == 2


async def test_what_no_run_has_is_missing(tracking: Tracking) -> None:
    with pytest.raises(Missing, match="'nobody'"):
        await tracking.read(views.show_run, "nobody")
    with pytest.raises(Missing, match="'nobody'"):
        await tracking.read(comparing.compare_runs, CompareRuns(workspace="default", run_ids=("nobody",)))
    with pytest.raises(Missing):
        await tracking.read(views.list_points, ReadBatches(run_id="nobody"))


async def test_a_run_shows_what_it_was_made_on_and_how_it_compares_with_the_one_it_repeats(tracking: Tracking) -> None:
    made = provenance().model_copy(
        update={
            "lock": "e" * 64,
            "interpreter": "CPython 3.11.7",
            "hardware": Hardware(cores=2, threads=2),
            "source": Source(commit="a" * 40, dirty=True, diff=artifact("diff")),
        }
    )
    verdict = Reproduction(
        of="run-0",
        verdict="different",
        original_sha256="a" * 64,
        reproduced_sha256="b" * 64,
        metrics=(MetricDifference(name="auc", original=0.8, reproduced=float("nan")),),
        differences=(Difference(what="seed", name="seed", original="7", reproduced="8"),),
    )
    await tracking.receives(started().model_copy(update={"provenance": made}))
    assert (await tracking.read(views.show_run, "run-1")).reproduction is None
    await tracking.receives(completed().model_copy(update={"provenance": made, "reproduction": verdict}))
    shown = (await tracking.read(views.show_run, "run-1")).model_dump()
    assert shown["provenance"]["lock"] == "e" * 64
    assert shown["provenance"]["hardware"]["threads"] == 2
    assert shown["provenance"]["source"]["diff"]["uri"] == artifact("diff").uri
    found = shown["reproduction"]
    assert (found["of"], found["verdict"]) == ("run-0", "different")
    assert found["metrics"] == [{"name": "auc", "original": 0.8, "reproduced": None, "difference": None}]
    assert found["differences"] == [{"what": "seed", "name": "seed", "original": "7", "reproduced": "8"}]
