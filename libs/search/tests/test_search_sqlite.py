"""SQLite finds what the reference finds, in the same order, page by page."""

import random
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from search_history import Counting, Run, insert, open_history, random_run
from search_questions import order, question

from murmur_search import RUNS, TokenRefused, parse_filter, parse_order
from murmur_search.evaluate import evaluate, ordered
from murmur_search.paging import RunQuery, token_of
from murmur_search.sqlite import runs_page


def query(text: str | None = None, order_by: Sequence[str] = (), **more: Any) -> RunQuery:
    orders = RUNS.complete(parse_order(order_by, RUNS))
    return RunQuery(**{"experiments": ("1",), "filter": parse_filter(text, RUNS), "orders": orders, **more})


def pages(connection: sqlite3.Connection, asked: RunQuery) -> list[str]:
    found: list[str] = []
    while True:
        page = runs_page(connection, asked)
        found += page.ids
        if page.next_token is None:
            return found
        assert len(page.ids) == asked.limit
        asked = replace(asked, token=page.next_token)


def expected(runs: Sequence[Run], asked: RunQuery) -> list[str]:
    here = [
        run
        for run in runs
        if run.experiment in asked.experiments
        and asked.lifecycle in (None, run.lifecycle)
        and evaluate(asked.filter, run.entity)
    ]
    return [run.id for run in ordered(here, asked.orders, RUNS, lambda run: run.entity)]


@pytest.mark.parametrize(
    ("few", "fetch", "instructions"),
    [(10**9, 1.5, 200_000), (300, 1.5, 200_000), (-1, 1e9, 200_000), (-1, 1.5, 50)],
    ids=["by condition", "as planned", "by order", "given up"],
)
def test_random_searches_find_what_the_reference_finds(
    few: int, fetch: float, instructions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The plan is forced to each side, since small histories would hardly ever be walked.
    monkeypatch.setattr("murmur_search.sqlite_plan.FEW", few)
    monkeypatch.setattr("murmur_search.sqlite_plan.FETCH", fetch)
    monkeypatch.setattr("murmur_search.sqlite_plan.INSTRUCTIONS", instructions)
    rng = random.Random(20261130)
    runs = [random_run(rng, number) for number in range(250)]
    connection = open_history()
    insert(connection, runs)
    some = 0
    for _ in range(500):
        text = question(rng) if rng.random() < 0.95 else None
        asked = query(
            text,
            order(rng),
            experiments=rng.choice((("1",), ("1",), ("0", "2", "1"), ("2", "nowhere"))),
            lifecycle=rng.choice(("active", "active", "deleted", None)),
            limit=rng.choice((3, 20, 1000)),
        )
        found = pages(connection, asked)
        assert found == expected(runs, asked), f"{text!r} {asked}"
        some += 0 < len(found) < len(runs)
    assert some > 200


def test_a_token_of_another_search_is_refused() -> None:
    connection = open_history()
    insert(connection, [Run(id=f"r{number}", started=number, metrics={"m": number}) for number in range(3)])
    asked = query("metrics.m >= 0", ["metrics.m"], limit=1)
    token = runs_page(connection, asked).next_token
    assert token is not None
    assert runs_page(connection, replace(asked, token=token)).ids == ("r1",)
    same = query("metric.m>=0", ["metrics.m asc"], limit=2, token=token)
    assert runs_page(connection, same).ids == ("r1", "r2")
    for other in (
        query("metrics.m > 0", ["metrics.m"], token=token),
        query("metrics.m >= 0", ["metrics.m desc"], token=token),
        query("metrics.m >= 0", ["metrics.m"], token=token, experiments=("1", "2")),
        query("metrics.m >= 0", ["metrics.m"], token=token, workspace="other"),
        query("metrics.m >= 0", ["metrics.m"], token=token, lifecycle=None),
    ):
        with pytest.raises(TokenRefused, match="another search"):
            runs_page(connection, other)


@pytest.mark.parametrize("token", ["x", "bm9uZQ==", "W10=", "W3siYSI6MX1d", "é"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenRefused, match="Invalid page token"):
        runs_page(open_history(), query(token=token))


@pytest.mark.parametrize("place", [(0, 1), (0, 1, 5), (0, [], "x"), (0, "1", "x"), (None, True, "x")])
def test_a_token_with_a_place_of_another_kind_is_refused(place: tuple[Any, ...]) -> None:
    asked = query()
    with pytest.raises(TokenRefused, match="place"):
        runs_page(open_history(), replace(asked, token=token_of(asked, place)))


def test_runs_that_come_between_pages_move_no_other_run() -> None:
    connection = open_history()
    insert(connection, [Run(id=f"r{number}", started=number) for number in range(4)])
    first = runs_page(connection, query(limit=2))
    insert(connection, [Run(id="new", started=9)])
    assert first.ids == ("r3", "r2")
    assert runs_page(connection, query(limit=2, token=first.next_token)).ids == ("r1", "r0")


def test_another_workspace_sees_nothing() -> None:
    connection = open_history()
    insert(connection, [Run(id="r")])
    assert runs_page(connection, query()).ids == ("r",)
    assert runs_page(connection, query(workspace="other")).ids == ()


def test_a_page_in_the_order_of_a_metric_reads_a_page_and_not_the_experiment() -> None:
    connection = open_history()
    insert(connection, [Run(id=f"{number:05}", started=number, metrics={"m": number}) for number in range(3000)])
    walked = _steps(connection, query("params.p IS NULL", ["metrics.m DESC"], limit=20))
    assert walked < _steps(connection, query("params.p IS NULL", ["artifact_uri"], limit=20)) / 20


def test_runs_that_tie_are_read_in_the_index_s_order() -> None:
    connection = open_history()
    insert(connection, [Run(id=f"{number:05}", started=number) for number in range(3000)])
    tied = _steps(connection, query(None, ["status"], limit=20))
    assert tied < _steps(connection, query(None, ["artifact_uri"], limit=20)) / 20


def test_a_rare_condition_is_entered_by_its_index() -> None:
    connection = open_history()
    runs = [Run(id=f"{n:05}", metrics={"m": n}, params={"p": "rare" if n % 1000 == 0 else "x"}) for n in range(3000)]
    insert(connection, runs)
    rare = _steps(connection, query("params.p = 'rare'", ["metrics.m DESC"], limit=20))
    assert rare < _steps(connection, query("params.p != 'x'", ["metrics.m DESC"], limit=20)) / 5


@pytest.mark.parametrize(("instructions", "driver"), [(200_000, "metrics"), (50, "params")])
def test_a_walk_that_finds_nothing_is_given_up(instructions: int, driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("murmur_search.sqlite_plan.INSTRUCTIONS", instructions)
    connection = open_history()
    insert(connection, [Run(id=f"{n:03}", metrics={"m": n}, params={"p": f"x{n}"}) for n in range(200)])
    said: list[str] = []
    connection.set_trace_callback(said.append)
    page = runs_page(connection, query("params.p ILIKE '%X7'", ["metrics.m DESC"]))
    assert page.ids == ("007",)
    assert f"FROM {driver} s0" in next(sql for sql in reversed(said) if "SELECT r.id" in sql)


def test_nothing_is_left_that_gives_up_what_others_ask() -> None:
    connection = open_history()
    insert(connection, [Run(id="r", metrics={"m": 1.0})])
    runs_page(connection, query(None, ["metrics.m"]))
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT max(i) FROM n"
    assert connection.execute(numbers).fetchone() == (100_000,)


def test_a_page_is_of_one_moment(tmp_path: Path) -> None:
    connection, other = (open_history(path=tmp_path / "history.sqlite") for _ in range(2))
    insert(connection, [Run(id="has", metrics={"m": 1.0}), Run(id="has not")])
    connection.commit()

    def meanwhile(sql: str) -> None:
        if "NOT EXISTS" in sql and other.total_changes == 0:  # those without are asked for now: one gets the metric
            other.execute("INSERT INTO metrics VALUES (2, 'm', 2.0, 0, 0, 0, 2)")
            other.commit()

    connection.set_trace_callback(meanwhile)
    assert runs_page(connection, query(None, ["metrics.m"])).ids == ("has", "has not")
    assert other.total_changes == 1
    assert runs_page(connection, query(None, ["metrics.m"])).ids == ("has", "has not")


def _steps(connection: Counting, asked: RunQuery) -> int:
    connection.count()
    before = connection.tens
    runs_page(connection, asked)
    return connection.tens - before
