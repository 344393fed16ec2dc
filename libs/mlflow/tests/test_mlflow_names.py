"""Keys and workspaces: what may be one, and what would lead elsewhere."""

import pytest

from murmur_mlflow.names import complaint_of_key, complaint_of_path
from murmur_mlflow.refusals import BadValue
from murmur_mlflow.workspaces import internal, named_in, parts


@pytest.mark.parametrize("key", ["loss", "train/loss", "a b:c-d.e_f", "größe", "..a/b"[2:]])
def test_a_key_may_be_a_path_of_words(key: str) -> None:
    assert complaint_of_key(key) is None


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("k@", "Invalid value \"k@\" for parameter 'tags[0].key' supplied: Names may only contain alphanumerics"),
        ('a"b', 'Invalid value "a\\"b" for'),
        ("two\nlines\n", "Names may only contain alphanumerics"),
        ("../x", "This name would resolve to '../x'"),
        ("a//b", "This name would resolve to 'a/b'"),
        ("/a", "This name would resolve to '/a'"),
        (".", "This name would resolve to '.'"),
    ],
)
def test_what_can_be_no_key(key: str, complaint: str) -> None:
    assert complaint in (complaint_of_key(key, "tags[0].key") or "")


def test_a_name_may_have_any_characters_but_lead_nowhere_else() -> None:
    assert complaint_of_path("churn @ 5%", "name") is None
    assert "parameter 'name'" in (complaint_of_path("a/../b", "name") or "")


def test_a_call_names_its_workspace_in_a_header() -> None:
    assert named_in({"X-Murmur-Workspace": "Team_b-1"}) == "Team_b-1"
    assert named_in({"X-Murmur-Workspace": ""}) == named_in({}) == "default"


@pytest.mark.parametrize("name", ["a b", "a.1", "-a", "a/b", "a" * 64, "ä"])
def test_what_names_no_workspace(name: str) -> None:
    with pytest.raises(BadValue, match="is no name of a workspace: up to 63 letters"):
        named_in({"X-Murmur-Workspace": name})


@pytest.mark.parametrize("kept", [("team-b", 0), ("team-b", 3)])
def test_what_is_kept_names_the_generation(kept: tuple[str, int]) -> None:
    assert parts(internal(*kept)) == kept
