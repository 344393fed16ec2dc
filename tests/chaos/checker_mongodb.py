"""Reads the stores of services from MongoDB, as read_sqlite does from files."""

import json
from typing import Any

from checker_reading import told
from checker_world import Json, Memory
from pymongo import MongoClient

_PREFIX = "murmur_"


def read_mongodb(uri: str) -> list[Memory]:
    """One memory a database that a service made. Raises pymongo's errors."""
    client: MongoClient[Json] = MongoClient(uri)
    with client:
        names = sorted(name for name in client.list_database_names() if name.startswith(_PREFIX))
        return [_memory(name.removeprefix(_PREFIX), client[name]) for name in names]


def _memory(service: str, database: Any) -> Memory:
    documents: dict[str, list[Json]] = {}
    for document in database["documents"].find():
        documents.setdefault(document["kind"], []).append(json.loads(document["body"]))
    return Memory(
        service=service,
        documents=documents,
        inbox=frozenset(mark["_id"] for mark in database["inbox"].find({}, {"_id": 1})),
        outbox=tuple(told(row["envelope"]) for row in database["outbox"].find()),
        sequences=tuple(_sequence(row) for row in database["counters"].find({"_id": {"$regex": "^sequence/"}})),
        jobs=tuple(_job(job) for job in database["jobs"].find({"state": {"$ne": "ended"}})),
        parked=tuple(f"{row['topic']} {row['key']} for {row['awaits']}" for row in database["parked"].find()),
        dead_letters=tuple(f"{row['error']}: {row['reason']}" for row in database["dead_letters"].find()),
    )


def _sequence(row: Json) -> tuple[str, str, int]:
    _, aggregate, key = row["_id"].split("/", 2)
    return aggregate, key, int(row["value"])


def _job(job: Json) -> Json:
    return {"id": job["_id"], **{name: job[name] for name in ("state", "attempt", "due", "error")}}
