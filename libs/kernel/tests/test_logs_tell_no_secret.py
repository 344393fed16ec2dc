"""What a process logs, by structlog and by the standard library, with the secrets that were put into it."""

import subprocess
import sys

SECRET, TOKEN = "pa55-of-registry", "murmur_" + "t" * 43
SCRIPT = f"""
import logging, structlog
from murmur_access.redaction import redaction
from murmur_kernel.telemetry.logs import configure_logging
redaction.learn({SECRET!r})
configure_logging("registry", "json", "info")
structlog.get_logger().info("connecting", password="anything", detail={{"says": "with {SECRET}"}}, kept="as it is")
logging.getLogger("aiokafka").warning("SASL with %s failed", {SECRET!r})
try:
    raise ValueError("the token {TOKEN} is not valid")
except ValueError:
    structlog.get_logger().exception("call failed")
"""


def test_logs_tell_no_secret() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    said = done.stdout + done.stderr
    assert said.count("[redacted]") == 4
    for secret in (SECRET, TOKEN, "anything"):
        assert secret not in said
    assert "as it is" in said
    assert "ValueError" in said
