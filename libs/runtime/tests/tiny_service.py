"""A service for tests of the runtime: GET /readyz obeys POST /ready and /unready, anything else is echoed."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

READY = {"value": True}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/readyz":
            ready = READY["value"]
            checks = {"mood": {"ok": ready, "detail": "told to be unready"}}
            self._answer(200 if ready else 503, {"service": "tiny", "ready": ready, "checks": checks, "lag": 7})
        else:
            self._answer(200, {"path": self.path, "name": os.environ["MURMUR_PROCESS"]})

    def do_POST(self) -> None:
        READY["value"] = self.path == "/ready"
        self._answer(200, {})

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the log is for what the tests look at."""

    def _answer(self, status: int, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if os.environ.get("TINY_STARTS_A_MODEL_SERVER"):
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True)
sys.stdout.write(json.dumps({"timestamp": "2026-11-25T08:00:00Z", "level": "info", "event": "tiny started"}) + "\n")
sys.stdout.flush()
ThreadingHTTPServer(("127.0.0.1", int(os.environ["MURMUR_SERVICE_PORT"])), Handler).serve_forever()
