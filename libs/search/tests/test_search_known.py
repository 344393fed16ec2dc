"""Keys and values of the history, for completion."""

from search_history import Run, insert, open_history

from murmur_search import Field, Kind
from murmur_search.sqlite_known import known_keys, known_values


def test_keys_and_values_are_those_of_the_experiments() -> None:
    connection = open_history()
    runs = [
        Run(id=f"{n}", name=f"n{n % 3}", metrics={f"m{n % 2}": 1.0}, params={"p": f"v{n % 4}"}, tags={"t": "x"})
        for n in range(20)
    ]
    insert(connection, [*runs, Run(id="other", experiment="2", params={"q": "w"}, name=None)])
    assert known_keys(connection, "default", ["1"], Kind.METRIC) == ["m0", "m1"]
    assert known_keys(connection, "default", ["1", "2", "nowhere"], Kind.PARAM) == ["p", "q"]
    assert known_keys(connection, "other", ["1"], Kind.PARAM) == []
    assert known_keys(connection, "default", ["1"], Kind.DATASET) == []
    assert known_values(connection, "default", ["1"], Field(Kind.PARAM, "p")) == ["v0", "v1", "v2", "v3"]
    assert known_values(connection, "default", ["1"], Field(Kind.PARAM, "p"), limit=2) == ["v0", "v1"]
    assert known_values(connection, "default", ["1", "2"], Field(Kind.ATTRIBUTE, "run_name")) == ["n0", "n1", "n2"]
    assert known_values(connection, "default", ["1"], Field(Kind.ATTRIBUTE, "start_time")) == []
    assert known_values(connection, "default", ["1"], Field(Kind.ATTRIBUTE, "artifact_uri")) == []
    assert known_values(connection, "default", ["1"], Field(Kind.METRIC, "m0")) == []
