"""MongoDB finds what the reference finds, in the same order, page by page."""

import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymongo
import pytest
from pymongo.collection import Collection
from search_history import Run, random_run
from search_questions import order, question
from test_search_sqlite import expected, query

from murmur_search.mongo import page_of, pipeline
from murmur_search.mongo_shape import INDEXES, escape, run_document, unescape
from murmur_search.paging import RunQuery

Runs = Collection[dict[str, Any]]


@pytest.fixture
def collection(mongodb: str) -> Iterator[Runs]:
    client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(mongodb)
    database = client[f"test_{uuid.uuid4().hex}"]
    for index in INDEXES:
        database.runs.create_index(list(index))
    yield database.runs
    client.close()


def insert(collection: Runs, runs: list[Run]) -> None:
    collection.insert_many(
        run_document(run.entity, experiment=run.experiment, workspace="default", lifecycle=run.lifecycle)
        for run in runs
    )


def pages(collection: Runs, asked: RunQuery) -> list[str]:
    found: list[str] = []
    while True:
        page = page_of(asked, list(collection.aggregate(pipeline(asked))))
        found += page.ids
        if page.next_token is None:
            return found
        assert len(page.ids) == asked.limit
        asked = replace(asked, token=page.next_token)


def test_random_searches_find_what_the_reference_finds(collection: Runs) -> None:
    rng = random.Random(20261130)
    runs = [random_run(rng, number) for number in range(150)]
    insert(collection, runs)
    some = 0
    for _ in range(300):
        text = question(rng) if rng.random() < 0.95 else None
        asked = query(
            text,
            order(rng),
            experiments=rng.choice((("1",), ("1",), ("0", "2", "1"), ("2", "nowhere"))),
            lifecycle=rng.choice(("active", "active", "deleted", None)),
            limit=rng.choice((10, 50, 1000)),
        )
        found = pages(collection, asked)
        assert found == expected(runs, asked), f"{text!r} {asked}"
        some += 0 < len(found) < len(runs)
    assert some > 120


def test_another_workspace_sees_nothing(collection: Runs) -> None:
    insert(collection, [Run(id="r")])
    assert pages(collection, query()) == ["r"]
    assert pages(collection, query(workspace="other")) == []


@pytest.mark.parametrize("key", ["a.b", "$a", "a%2Eb", "a%b", "%24", "plain", "a b/c"])
def test_keys_come_back_from_names_of_fields(key: str) -> None:
    assert unescape(escape(key)) == key
    assert not set(".$") & set(escape(key))
