"""Fixtures for tests against real infrastructure; loaded by `-p murmur_runtime.pytest_plugin`."""

import os
from collections.abc import Iterator

import pytest

from murmur_runtime.testing import running_broker
from murmur_runtime.testing_mongodb import running_mongodb


@pytest.fixture(scope="session")
def brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one real broker with the catalog's topics, shared by all tests of a session."""
    with running_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture(scope="module")
def own_brokers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of one module's own: for services that read topics from the beginning, other tests' events included."""
    with running_broker(tmp_path_factory.mktemp("own-broker")) as address:
        yield address


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URI of a server that speaks MongoDB's protocol: MURMUR_TEST_MONGODB if that is set, else one of our own."""
    if (given := os.environ.get("MURMUR_TEST_MONGODB")) is not None:
        yield given
        return
    with running_mongodb(tmp_path_factory.mktemp("mongodb")) as server:
        yield server.uri


@pytest.fixture(params=("memory", "sqlite", "mongodb"))
def any_store(request: pytest.FixtureRequest) -> str:
    """Every kind of store in turn, by the name that `murmur_kernel.testing.opened_store` takes."""
    store: str = request.getfixturevalue("mongodb") if request.param == "mongodb" else request.param
    return store
