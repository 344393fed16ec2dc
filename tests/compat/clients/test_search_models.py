"""Search of registered models and of their versions, by the client."""

import time

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

SOURCE = "s3://models/somewhere"


@pytest.fixture
def names(client: MlflowClient, unique: str) -> list[str]:
    """Five models, the later ones younger."""
    made = []
    for number in range(5):
        made.append(f"Model {unique} {number}")
        client.create_registered_model(made[-1], tags={"even": str(number % 2 == 0)})
        time.sleep(0.002)
    return made


def digits(found: list[object]) -> str:
    return "".join(model.name[-1] for model in found)


def test_models_are_found_by_name_and_tag(client: MlflowClient, names: list[str], unique: str) -> None:
    mine = f"name LIKE 'Model {unique}%'"
    for text, found in (
        (mine, "01234"),
        (f"{mine} AND name LIKE '%3'", "3"),
        (f"name ILIKE 'MODEL {unique} _'", "01234"),
        (f"name LIKE 'MODEL {unique} _'", ""),
        (f"name = '{names[2]}'", "2"),
        (f"{mine} AND name != '{names[2]}'", "0134"),
        (f"{mine} AND tags.even = 'True'", "024"),
        (f"{mine} AND tag.even != 'True'", "13"),
        (f"{mine} AND tags.odd = 'True'", ""),
    ):
        assert digits(client.search_registered_models(text)) == found, text


def test_models_are_ordered(client: MlflowClient, names: list[str], unique: str) -> None:
    assert names
    mine = f"name LIKE 'Model {unique}%'"
    for order, found in (
        (["name DESC"], "43210"),
        (["last_updated_timestamp DESC"], "43210"),
        (["timestamp"], "01234"),
    ):
        assert digits(client.search_registered_models(mine, order_by=order)) == found


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_pages_of_models_join_to_the_whole(client: MlflowClient, names: list[str], unique: str, size: int) -> None:
    found, token = [], None
    while True:
        page = client.search_registered_models(f"name LIKE 'Model {unique}%'", max_results=size, page_token=token)
        assert len(page) <= size
        found += [model.name for model in page]
        token = page.token
        if not token:
            break
    assert found == names


@pytest.fixture
def versions(client: MlflowClient, names: list[str], run: str) -> list[tuple[str, str]]:
    """One version of each model, then a second of the first two: (name, version), youngest first."""
    made = []
    for number, name in enumerate([*names, *names[:2]]):
        version = client.create_model_version(name, f"{SOURCE}/{number}", run_id=run if number == 3 else "elsewhere")
        made.append((name, version.version))
        time.sleep(0.002)
    return made[::-1]


def test_versions_are_found_youngest_first(
    client: MlflowClient, versions: list[tuple[str, str]], names: list[str], unique: str, run: str
) -> None:
    mine = f"name LIKE 'Model {unique}%'"

    def found(text: str, **options: object) -> list[tuple[str, str]]:
        return [(version.name, version.version) for version in client.search_model_versions(text, **options)]

    assert found(mine) == versions
    assert found(f"name = '{names[0]}'") == [(names[0], "2"), (names[0], "1")]
    assert found(f"{mine} AND run_id = '{run}'") == [(names[3], "1")]
    assert found(f"{mine} AND run_id IN ('{run}', 'x')") == [(names[3], "1")]
    assert found(f"{mine} AND source_path = '{SOURCE}/4'") == [(names[4], "1")]
    assert found(f"{mine} AND version_number > 1") == [(names[1], "2"), (names[0], "2")]
    assert found(mine, order_by=["name ASC", "version_number ASC"]) == sorted(versions)
    assert found(mine, order_by=["version_number DESC"])[:2] == [(names[0], "2"), (names[1], "2")]
    first = client.search_model_versions(mine, max_results=4)
    rest = client.search_model_versions(mine, max_results=4, page_token=first.token)
    assert [(version.name, version.version) for version in [*first, *rest]] == versions
    assert not rest.token
    client.delete_model_version(*versions[0])
    assert found(mine) == versions[1:]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nome = 'x'", "Invalid attribute key 'nome'"),
        ("foo.x = 'y'", "Invalid entity type 'foo'"),
        ("name = x", "quote"),
    ],
)
def test_a_wrong_filter_is_refused(client: MlflowClient, text: str, message: str) -> None:
    for search in (client.search_registered_models, client.search_model_versions):
        with pytest.raises(MlflowException, match=f"INVALID_PARAMETER_VALUE.*{message}"):
            search(text)


def test_a_wrong_question_is_refused(client: MlflowClient) -> None:
    for search, options, message in (
        (client.search_registered_models, {"max_results": 1001}, "Invalid value"),
        (client.search_registered_models, {"page_token": "no token"}, "Invalid page token"),
        (client.search_registered_models, {"order_by": ["colour"]}, "Invalid order by key 'colour'"),
        (client.search_model_versions, {"max_results": 200_001}, "Invalid value"),
        (client.search_model_versions, {"page_token": "no token"}, "Invalid page token"),
        (client.search_model_versions, {"order_by": ["colour"]}, "colour"),
    ):
        with pytest.raises(MlflowException, match=f"INVALID_PARAMETER_VALUE.*{message}"):
            search(**options)
