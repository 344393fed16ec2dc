"""Pages: what is left begins where the token says, and a token of nobody's is refused."""

import base64

import pytest

from murmur_mlflow.fields import Fields
from murmur_mlflow.pages import page_size, slice_page, token_of
from murmur_mlflow.refusals import BadValue


def test_pages_follow_each_other_to_the_end() -> None:
    seen: list[int] = []
    token: str | None = None
    for _ in range(3):
        page, more = slice_page(range(5), 2, token, search="a > 1")
        seen += page
        token = more.get("next_page_token")
    assert (seen, token) == ([0, 1, 2, 3, 4], None)


def test_the_token_is_the_one_that_stock_servers_make() -> None:
    _, more = slice_page("abc", 2, "")
    assert base64.b64decode(more["next_page_token"]) == b'{"offset": 2}'


def test_a_page_of_nothing_promises_no_more() -> None:
    assert slice_page("abc", 0, None) == ("", {})


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("no token", "Invalid page token, could not base64-decode 'no token': hand back what"),
        (base64.b64encode(b"\xff{").decode(), r"Invalid page token, decoded value=b'\\xff{'"),
        (token_of({"place": 1}), r"Invalid page token, parsed value=\{'place': 1\}"),
        (token_of({"offset": -1}), r"Invalid page token, parsed value=\{'offset': -1\}"),
        (base64.b64encode(b"[1]").decode(), r"Invalid page token, parsed value=\[1\]"),
    ],
)
def test_a_token_of_nobodys_is_refused(token: str, message: str) -> None:
    with pytest.raises(BadValue, match=message):
        slice_page("abc", 1, token)


def test_the_token_of_another_search_is_refused_where_it_is_bound() -> None:
    _, more = slice_page("abc", 1, None, search="a > 1")
    with pytest.raises(BadValue, match="it belongs to another filter or order"):
        slice_page("abc", 1, more["next_page_token"], search="a > 2")
    assert slice_page("abc", 1, more["next_page_token"])[0] == "b"


@pytest.mark.parametrize(("said", "message"), [(0, "must be a positive integer"), (11, "must be at most 10")])
def test_sizes_of_pages_have_limits(said: int, message: str) -> None:
    with pytest.raises(BadValue, match=f"Invalid value {said} for parameter 'max_results' supplied. It {message}"):
        page_size(Fields({"max_results": said}), default=5, largest=10)
    assert page_size(Fields({}), default=5, largest=10) == 5
    assert page_size(Fields({"max_results": 10}), default=5, largest=10) == 10
