"""Real rows sent through the front door by the Open Inference Protocol V2, as a bank's own systems would."""

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx
import pandas as pd

from murmur_cli.door import FrontDoor


@dataclass
class Answers:
    """What came back. A failure is any request that was not answered with one probability a row."""

    requests: int = 0
    failures: list[str] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """By which the prediction log knows each row that was answered: the request's id, `id#1` for its second row."""
    rows: list[int] = field(default_factory=list)
    """Which of the rows that were sent it was, by their place."""

    @property
    def mean(self) -> float:
        return sum(self.probabilities) / len(self.probabilities) if self.probabilities else float("nan")


def inference_request(rows: pd.DataFrame) -> dict[str, Any]:
    """The rows as a V2 request: one FP64 tensor of shape [n, 1] per column."""
    return {
        "id": str(uuid.uuid4()),
        "inputs": [
            {"name": str(name), "shape": [len(rows), 1], "datatype": "FP64", "data": [float(v) for v in rows[name]]}
            for name in rows.columns
        ],
    }


async def send(
    door: FrontDoor,
    deployment: str,
    rows: pd.DataFrame,
    *,
    batch: int = 20,
    pause: float = 0.0,
) -> Answers:
    """All rows, `batch` at a time, one request after the other with `pause` seconds between them."""
    answers = Answers()
    async with httpx.AsyncClient(base_url=door.address, timeout=10, headers=door.headers, verify=door.verify) as client:
        for start in range(0, len(rows), batch):
            part = rows.iloc[start : start + batch]
            await _ask(client, deployment, part, answers, start)
            await asyncio.sleep(pause)
    return answers


async def _ask(client: httpx.AsyncClient, deployment: str, rows: pd.DataFrame, answers: Answers, first: int) -> None:
    answers.requests += 1
    request = inference_request(rows)
    try:
        response = await client.post(f"/v2/models/{deployment}/infer", json=request)
    except httpx.TransportError as error:
        answers.failures.append(repr(error))
        return
    if response.status_code != 200:
        answers.failures.append(f"HTTP status {response.status_code}: {response.text[:200]}")
        return
    data = response.json()["outputs"][0]["data"]
    if len(data) != len(rows):
        answers.failures.append(f"{len(data)} answers to {len(rows)} rows")
        return
    answers.probabilities += data
    answers.names += [f"{request['id']}#{row}" if row else request["id"] for row in range(len(rows))]
    answers.rows += range(first, first + len(rows))
