"""Every service keeps and finds its documents in MongoDB; with MURMUR_TEST_MONGODB all of their tests run there."""

import importlib
from collections.abc import Sequence
from typing import Any

import pytest

from murmur_kernel.documents import Kind, Query
from murmur_kernel.store import ChangeSet, DocumentWrite
from murmur_kernel.testing import opened_store

SERVICES = ("tracking", "registry", "trainer", "validator", "deployer", "monitor")


@pytest.mark.parametrize("service", SERVICES)
async def test_documents_are_found_by_each_declared_index(service: str, mongodb: str) -> None:
    kinds: Sequence[Kind[Any]] = importlib.import_module(f"murmur_{service}.repository").KINDS
    async with opened_store(mongodb, kinds) as store:
        for kind in kinds:
            fields: dict[str, str | float | None] = dict.fromkeys(kind.indexes, "here")
            write = DocumentWrite(kind=kind.name, id="a/b c", body="{}", fields=fields, expected=0)
            await store.commit(ChangeSet(documents=[write]))
            for index in kind.indexes:
                page = await store.find(kind.name, Query(where={index: "here"}, order_by=index, descending=True))
                assert [document.id for document in page.items] == ["a/b c"]
            assert await store.get(kind.name, "a/b c") is not None
