"""Searches at MLflow's door: filters, orders, pages, and what is never found."""

import asyncio

import pytest
from registry_doors import Doors, Refused


async def found(door: Doors, what: str, **asked: object) -> list[str]:
    answer = await door.mlflow("GET", f"{what}/search", dict(asked))
    if what == "registered-models":
        return [model["name"] for model in answer.get("registered_models", [])]
    return [f"{version['name']}/{version['version']}" for version in answer.get("model_versions", [])]


async def given_models(door: Doors) -> None:
    for name, team in (("Churn", "growth"), ("cats", "vision"), ("churn-eu", "growth"), ("dogs", "")):
        tags = [{"key": "team", "value": team}] if team else []
        await door.mlflow("POST", "registered-models/create", {"name": name, "tags": tags})


@pytest.mark.parametrize(
    ("filter_text", "expected"),
    [
        ("", ["Churn", "cats", "churn-eu", "dogs"]),
        ("name = 'cats'", ["cats"]),
        ('name != "cats"', ["Churn", "churn-eu", "dogs"]),
        ("name LIKE 'churn%'", ["churn-eu"]),
        ("name ILIKE 'churn%'", ["Churn", "churn-eu"]),
        ("attribute.name IN ('cats', 'dogs')", ["cats", "dogs"]),
        ("name NOT IN ('cats', 'dogs')", ["Churn", "churn-eu"]),
        ("tags.team = 'growth'", ["Churn", "churn-eu"]),
        ("tags.`team` != 'growth'", ["cats"]),
        ("tag.team = 'growth' AND name LIKE '%eu'", ["churn-eu"]),
        ("tags.nobody = 'growth'", []),
        ("tags.team = 'vision' OR name ILIKE 'churn'", ["Churn", "cats"]),
        ("NOT (tags.team = 'growth') AND tags.team IS NOT NULL", ["cats"]),
        ("tags.team IS NULL", ["dogs"]),
    ],
)
async def test_models_are_filtered(door: Doors, filter_text: str, expected: list[str]) -> None:
    await given_models(door)
    assert await found(door, "registered-models", filter=filter_text) == expected


@pytest.mark.parametrize(
    ("filter_text", "message"),
    [
        ("name > 'cats'", "Invalid comparator '>'"),
        ("name = cats", "Expected a quoted string value for attributes. Got value cats."),
        ("name", "Invalid clause: it ends where a comparison"),
        ("nme = 'cats'", "Invalid attribute key 'nme' specified: a registered model has name. Did you mean 'name'?"),
        ("metric.auc = 'x'", "Invalid entity type 'metric'"),
        ("name = 'cats' name = 'dogs'", "Invalid clause 'name'"),
        ("name = 'cats' AND", "Invalid clause: it ends"),
        ("name IN ()", "A list has at least one value"),
        ("name = 'a' ; drop", "Invalid clause ';'"),
        ("nme = 'cats'", "line 1, column 1"),
    ],
)
async def test_a_filter_that_means_nothing_is_refused_and_says_where(
    door: Doors, filter_text: str, message: str
) -> None:
    with pytest.raises(Refused) as refused:
        await found(door, "registered-models", filter=filter_text)
    assert (refused.value.status, refused.value.code) == (400, "INVALID_PARAMETER_VALUE")
    assert message in refused.value.message


async def test_models_come_in_the_order_asked_for(door: Doors) -> None:
    await given_models(door)
    assert await found(door, "registered-models", order_by="name DESC") == ["dogs", "churn-eu", "cats", "Churn"]
    await asyncio.sleep(0.002)  # dates are of milliseconds
    await door.mlflow("PATCH", "registered-models/update", {"name": "cats", "description": "x"})
    newest = await found(door, "registered-models", order_by=["last_updated_timestamp DESC", "name"])
    assert newest[0] == "cats"
    for order, message in (
        ("nme", "Invalid order by key 'nme'"),
        ("name up", "Invalid order_by clause 'up'"),
        ("name a b", "Invalid order_by clause 'a'"),
    ):
        with pytest.raises(Refused, match=message):
            await found(door, "registered-models", order_by=order)


async def test_pages_join_to_the_whole_and_a_token_is_of_one_search_only(door: Doors) -> None:
    await given_models(door)
    first = await door.mlflow("GET", "registered-models/search", {"max_results": 3})
    token = first["next_page_token"]
    rest = await door.mlflow("GET", "registered-models/search", {"max_results": 3, "page_token": token})
    assert [model["name"] for model in rest["registered_models"]] == ["dogs"]
    assert "next_page_token" not in rest
    for asked in (
        {"page_token": token, "filter": "name != 'x'"},
        {"page_token": "not base64!"},
        {"page_token": "bm8ganNvbg=="},
    ):
        with pytest.raises(Refused, match="Invalid page token"):
            await door.mlflow("GET", "registered-models/search", asked)


async def test_a_page_has_an_end(door: Doors) -> None:
    with pytest.raises(Refused, match="Invalid value \"1001\" for parameter 'max_results' supplied"):
        await found(door, "registered-models", max_results=1001)
    with pytest.raises(Refused, match="It must be a positive integer, but got 0"):
        await found(door, "model-versions", max_results=0)


async def test_versions_are_found_by_name_run_source_number_and_tag(door: Doors) -> None:
    await door.make("churn", versions=2)
    await door.make("cats", versions=0)
    body = {"name": "cats", "source": "s3://b/cats", "run_id": "r2", "tags": [{"key": "data", "value": "july"}]}
    await door.mlflow("POST", "model-versions/create", body)
    for filter_text, expected in (
        ("name = 'churn'", {"churn/1", "churn/2"}),
        ("name = 'churn' AND version_number > 1", {"churn/2"}),
        ("version_number <= 1", {"churn/1", "cats/1"}),
        ("run_id = 'r2'", {"cats/1"}),
        ("run_id IN ('r1', 'r2')", {"churn/1", "churn/2", "cats/1"}),
        ("source_path LIKE 's3://%'", {"cats/1"}),
        ("tags.data = 'july'", {"cats/1"}),
    ):
        assert set(await found(door, "model-versions", filter=filter_text)) == expected
    assert await found(door, "model-versions", order_by="name") == ["cats/1", "churn/2", "churn/1"]
    assert await found(door, "model-versions", order_by="version_number DESC") == ["churn/2", "cats/1", "churn/1"]


async def test_the_version_that_was_changed_last_comes_first(door: Doors) -> None:
    await door.make("churn", versions=2)
    await asyncio.sleep(0.002)
    await door.mlflow("PATCH", "model-versions/update", {"name": "churn", "version": "1", "description": "x"})
    assert await found(door, "model-versions") == ["churn/1", "churn/2"]


async def test_prompts_are_found_only_by_who_asks_for_them(door: Doors) -> None:
    prompt = [{"key": "mlflow.prompt.is_prompt", "value": "true"}]
    await door.make("churn", versions=1)
    await door.mlflow("POST", "registered-models/create", {"name": "greeting", "tags": prompt})
    body = {"name": "greeting", "source": "prompt-template", "tags": prompt}
    await door.mlflow("POST", "model-versions/create", body)
    for what, model, text in (
        ("registered-models", "churn", "greeting"),
        ("model-versions", "churn/1", "greeting/1"),
    ):
        assert await found(door, what) == [model]
        assert await found(door, what, filter="tag.`mlflow.prompt.is_prompt` = 'false'") == [model]
        assert await found(door, what, filter="tags.`mlflow.prompt.is_prompt` = 'true'") == [text]


async def test_what_is_searched_can_be_much(door: Doors) -> None:
    """More than a page of the store."""
    await door.make("churn", versions=0)
    for _ in range(0, 260, 10):
        await asyncio.gather(*(door.make_version("churn") for _ in range(10)))
    assert len(await found(door, "model-versions", filter="name = 'churn'")) == 260
