"""The search index of runs: derived from their documents, in the same commits, one adapter an engine."""

from murmur_kernel.store import SearchIndex
from murmur_tracking.search.entries import CountRuns, FindRuns, Keys, ListKeys, RunCount
from murmur_tracking.search.memory import RunsInMemory
from murmur_tracking.search.mongo import RunsInMongo
from murmur_tracking.search.sqlite import RunsInSqlite

INDEX = SearchIndex(RunsInSqlite, RunsInMongo, RunsInMemory)

__all__ = ["INDEX", "CountRuns", "FindRuns", "Keys", "ListKeys", "RunCount"]
