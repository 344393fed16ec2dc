"""Fixtures for tests against real infrastructure; loaded by `-p murmur_runtime.pytest_plugin`."""

from collections.abc import Iterator

import pytest

from murmur_runtime.testing import running_broker


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
