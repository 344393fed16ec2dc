"""The protocol itself by plain HTTP, for what a client hides: statuses, error codes, the shape of JSON."""

from dataclasses import dataclass
from typing import Any

import requests

WORKSPACE = "X-Murmur-Workspace"
Json = dict[str, Any]


@dataclass(frozen=True)
class Rest:
    uri: str
    session: requests.Session

    def __call__(self, method: str, path: str, *, api: str = "/api/2.0/mlflow/", **options: Any) -> requests.Response:
        """`path` counts from the REST API of tracking unless it begins with a slash."""
        address = path if path.startswith("/") else api + path
        return self.session.request(method, self.uri + address, timeout=60, **options)

    def post(self, path: str, /, **body: Any) -> Json:
        return self._answer(self("POST", path, json=body))

    def get(self, path: str, /, **query: Any) -> Json:
        return self._answer(self("GET", path, params=query))

    def refused(self, path: str, /, *, method: str = "POST", http: int = 400, **body: Any) -> tuple[str, str]:
        """The error code and message of a call that must fail with this status."""
        sent = {"params": body} if method == "GET" else {"json": body}
        answer = self(method, path, **sent)
        assert answer.status_code == http, f"{answer.status_code}: {answer.text[:500]}"
        error = answer.json()
        return error["error_code"], error["message"]

    def _answer(self, answer: requests.Response) -> Json:
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:500]}"
        document: Json = answer.json()
        return document
