"""Rows to a model server of this machine and outputs back: straight to the replica, in the protocol that all use.

Plain V2 JSON, because that is the runtime's short way: a binary body of 250 rows takes longer there.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson

from murmur_deployer.batches.ports import Matrix, ReplicaAway, RowsRefused
from murmur_deployer.domain.replicas import Replica
from murmur_serving.config import BATCH_HEADER, read_replica, replica_file

_OF_THE_ROWS = (400, 500)
"""Statuses that tell of the rows; every other one tells of the server, and passes."""

_UNTIL_ANSWERED = httpx.Timeout(5.0, read=None)
"""How long a model may take for so many rows is for whoever asks to say."""


class LocalScorer:
    """Implements Scorer. The replica's own mark, which stands in its directory, says that the deployer asks.

    One that was started anew has another mark, and takes a request with its former one for anybody's where no tokens
    are asked for. So each request looks whether the file is still the one that was read.
    """

    def __init__(self, http: httpx.AsyncClient, *, replicas: Path, host: str) -> None:
        self._http = http
        self._replicas = replicas
        self._host = host
        self._marks: dict[str, tuple[tuple[int, int], str]] = {}

    async def score(
        self, replica: Replica, request_id: str, columns: Sequence[str], rows: Matrix
    ) -> Sequence[float | None]:
        url = f"http://{self._host}:{replica.http_port}/v2/models/{replica.deployment}/versions/{replica.version}/infer"
        try:
            headers = {"content-type": "application/json", BATCH_HEADER: self._mark(replica)}
            answer = await self._http.post(
                url, content=request(request_id, columns, rows), headers=headers, timeout=_UNTIL_ANSWERED
            )
        except (httpx.TransportError, OSError, ValueError) as error:
            raise ReplicaAway(f"replica {replica.name!r}: {type(error).__name__}: {error}") from error
        if answer.status_code == 200:
            return _outputs(answer.content, len(rows))
        reason = _reason(answer)
        if answer.status_code in _OF_THE_ROWS:
            raise RowsRefused(reason)
        raise ReplicaAway(f"replica {replica.name!r} answered {answer.status_code}: {reason}")

    def _mark(self, replica: Replica) -> str:
        directory = self._replicas / replica.name
        status = replica_file(directory).stat()
        written = status.st_ino, status.st_mtime_ns
        known, mark = self._marks.get(replica.name, (None, ""))
        if known != written:
            mark = read_replica(directory).mark
            self._marks[replica.name] = written, mark
        return mark


def request(request_id: str, columns: Sequence[str], rows: Matrix) -> bytes:
    """A V2 request: a tensor for each column. Numbers keep every bit, NaN becomes null."""
    tensors = [
        {"name": name, "shape": [len(rows)], "datatype": "FP64", "data": values}
        for name, values in zip(columns, np.ascontiguousarray(rows.T), strict=True)
    ]
    return orjson.dumps({"id": request_id, "inputs": tensors}, option=orjson.OPT_SERIALIZE_NUMPY)


def _outputs(content: bytes, rows: int) -> list[float | None]:
    try:
        outputs: list[float | None] = orjson.loads(content)["outputs"][0]["data"]
    except (ValueError, LookupError, TypeError) as error:
        raise ReplicaAway(f"the answer is none of the protocol: {error!r}") from error
    if len(outputs) != rows:
        raise ReplicaAway(f"{rows} rows were asked about, and {len(outputs)} answered")
    return outputs


def _reason(answer: httpx.Response) -> str:
    try:
        document: Any = answer.json()
        return str(document["error"])
    except (ValueError, LookupError, TypeError):
        return answer.text[:300]
