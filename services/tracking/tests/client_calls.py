"""A client of MLflow's protocol, in few words, against tracking's application in this process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from tracking_facts import completed, started

from murmur_events import Event, Record
from murmur_kernel.bus.memory import MemoryBroker, MemorySink
from murmur_kernel.service import Service
from murmur_kernel.store import RawRecord
from murmur_kernel.testing import Harness, eventually
from murmur_tracking.repository import TrackingUnitOfWork

P = "/api/2.0/mlflow"


class Client:
    """Answers are (status, body)."""

    def __init__(self, http: httpx.AsyncClient, workspace: str | None = None) -> None:
        self._http = http
        self.headers = {"X-Murmur-Workspace": workspace} if workspace else {}

    def in_workspace(self, workspace: str) -> "Client":
        return Client(self._http, workspace)

    async def ours(self, method: str, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
        """Of our own REST API."""
        answer = await self._http.request(method, f"/v1{path}", headers=headers)
        return answer.status_code, answer.json()

    async def upload(self, path: str, content: bytes) -> None:
        answer = await self._http.put(
            f"/api/2.0/mlflow-artifacts/artifacts/{path}", content=content, headers=self.headers
        )
        assert answer.status_code == 200, answer.text

    async def files(self, folder: str) -> list[str]:
        answer = await self._http.get(
            "/api/2.0/mlflow-artifacts/artifacts", params={"path": folder}, headers=self.headers
        )
        return [one["path"] for one in answer.json().get("files", [])]

    async def post(self, path: str, **said: Any) -> tuple[int, dict[str, Any]]:
        answer = await self._http.post(P + path, json=said, headers=self.headers)
        return answer.status_code, answer.json()

    async def send(self, method: str, path: str, **said: Any) -> tuple[int, dict[str, Any]]:
        answer = await self._http.request(method, P + path, json=said, headers=self.headers)
        return answer.status_code, answer.json()

    async def get(self, path: str, **asked: Any) -> tuple[int, dict[str, Any]]:
        answer = await self._http.get(P + path, params=asked, headers=self.headers)
        return answer.status_code, answer.json()

    async def did(self, path: str, **said: Any) -> dict[str, Any]:
        status, body = await self.post(path, **said)
        assert status == 200, body
        return body

    async def run(self, experiment: str = "0", **said: Any) -> str:
        """A new run's id."""
        body = await self.did("/runs/create", experiment_id=experiment, **{"start_time": 1000, **said})
        run_id: str = body["run"]["info"]["run_id"]
        return run_id

    async def shown(self, run_id: str) -> dict[str, Any]:
        status, body = await self.get("/runs/get", run_id=run_id)
        assert status == 200, body
        run: dict[str, Any] = body["run"]
        return run

    async def found(self, **said: Any) -> list[str]:
        """Ids of the runs that a search finds, in order."""
        body = await self.did("/runs/search", **{"experiment_ids": ["0"], **said})
        return [run["info"]["run_id"] for run in body.get("runs", [])]


@dataclass(frozen=True)
class Running:
    """Tracking with a broker in this process, and a client of MLflow's protocol."""

    service: Service[TrackingUnitOfWork]
    app: FastAPI
    broker: MemoryBroker
    client: Client
    http: httpx.AsyncClient

    def heard(self, topic: str) -> Sequence[RawRecord]:
        """What is on the broker."""
        return self.broker.records(topic)

    async def says(self, event: Event) -> None:
        """As the trainer does."""
        raw = Harness(TrackingUnitOfWork, kinds=()).record_of(event)
        await MemorySink(self.broker).send([Record(raw.topic, raw.key.encode(), raw.value, raw.headers)])

    async def hears_of_a_trained_run(self, run_id: str) -> None:
        await self.says(started(run_id))
        await self.says(completed(run_id))

        async def known() -> bool:
            _, body = await self.client.get("/runs/get", run_id=run_id)
            return bool(body.get("run", {}).get("info", {}).get("status") == "FINISHED")

        await eventually(known)
