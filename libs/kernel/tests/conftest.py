"""What the tests of the kernel share."""

import pytest


@pytest.fixture(params=("memory", "sqlite", "sqlite-bulk", "mongodb"))
def any_store(request: pytest.FixtureRequest) -> str:
    """As in murmur_runtime.pytest_plugin, and the store that a rebuild fills: it keeps the same promises."""
    store: str = request.getfixturevalue("mongodb") if request.param == "mongodb" else request.param
    return store
