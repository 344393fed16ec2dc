"""What a training ran on, as it is recorded and read again."""

import json

import pytest

from murmur_training.environment import Environment, as_if, environment_json, read_environment


def test_what_is_recorded_here_is_read_again() -> None:
    text = environment_json()
    found = read_environment(text)
    assert text == environment_json()
    assert {"numpy", "xgboost-cpu", "murmur-training"} <= set(found.packages)
    assert found.interpreter is not None
    assert (found.cores or 0) > 0
    assert (found.memory or 0) > 2**28


def test_the_lock_is_of_names_and_versions_whatever_their_order_or_spelling() -> None:
    one = read_environment(json.dumps({"distributions": {"Some_Thing": "1", "b.c": "2"}}).encode())
    other = read_environment(json.dumps({"distributions": {"b-c": "2", "some-thing": "1"}, "python": "3"}).encode())
    assert one.lock == other.lock
    assert one.lock != Environment(packages={"b-c": "2", "some-thing": "1.0"}).lock
    assert one.lock != Environment(packages={"b-c": "2"}).lock


def test_the_lock_is_sha256_of_sorted_lines() -> None:
    """As anybody can compute it: printf 'a==1\\nb==2\\n' | sha256sum."""
    assert Environment(packages={"b": "2", "a": "1"}).lock == (
        "913f6e401ad06e0320887eef9ef4dfecb5098d4a55775ff40a415044cdbc22c0"
    )


def test_a_record_of_an_earlier_release_lacks_fields_and_is_read() -> None:
    assert read_environment(b'{"python": "3.11.7"}') == Environment(python="3.11.7")


@pytest.mark.parametrize("text", [b"", b"[]", b'{"distributions": 3}'])
def test_what_is_no_record_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="no record of an environment"):
        read_environment(text)


def test_packages_of_another_record_on_this_machine() -> None:
    present = json.dumps({"python": "3.12", "cores": 8, "distributions": {"a": "2"}}).encode()
    recorded = json.dumps({"python": "3.11", "cores": 2, "distributions": {"a": "1"}}).encode()
    found = read_environment(as_if(present, recorded))
    assert (found.python, found.cores, found.packages) == ("3.11", 8, {"a": "1"})
