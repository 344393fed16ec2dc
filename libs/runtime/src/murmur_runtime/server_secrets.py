"""Makes the secrets of the containers, once: `python -m murmur_runtime.server_secrets <folder>`.

The folder is closed to everybody but its owner. The files in it are not, because containers run as other users than the
owner: a container is shown only the files that docker-compose.yml gives it.
"""

import getpass
import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from murmur_access import Role, TokenFile
from murmur_access.rules import users

_STORES = "mongo-1:27017,mongo-2:27017,mongo-3:27017"


def contents() -> Mapping[str, str]:
    """What is in each file; drawn anew at each call. Kafka reads its own as they are, so that no file ends its line."""
    mongo, access, secret = (secrets.token_urlsafe(32) for _ in range(3))
    identity = {
        "name": "murmuration",
        "credentials": [{"accessKey": access, "secretKey": secret}],
        "actions": ["Admin"],
    }
    return {
        "mongo_keyfile": secrets.token_hex(256),
        "mongo_root_password": secrets.token_urlsafe(32),
        "mongo_password": mongo,
        "store": f"mongodb://murmur:{mongo}@{_STORES}/?replicaSet=rs0&authSource=admin",
        "s3_config": json.dumps({"identities": [identity]}, indent=1),
        "s3_credentials": f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}",
        "grafana_password": secrets.token_urlsafe(24),
        **{f"kafka_{user}": secrets.token_urlsafe(32) for user in users()},
    }


def make(folder: Path) -> list[str]:
    """The names of those that were made: all, or none where there are some, since several of them belong together.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    drawn = contents()
    if any((folder / name).exists() for name in drawn):
        return []
    for name, text in drawn.items():
        _write(folder / name, text)
    return [*drawn, *_issue_tokens(folder)]


def _issue_tokens(folder: Path) -> list[str]:
    """The services' file of tokens, with two in it: who sets the servers up may do all, Prometheus may read."""
    document = folder / "tokens" / "tokens.json"
    document.parent.mkdir(exist_ok=True)
    document.parent.chmod(0o755)  # whatever the umask: services are other users
    _write(document, "{}")
    tokens = TokenFile(document)
    _write(folder / "token", tokens.issue(getpass.getuser(), Role).token)
    _write(folder / "prometheus_token", tokens.issue("prometheus", [Role.VIEWER]).token)
    return ["token", "prometheus_token"]


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o444)


def main() -> int:
    folder = Path(sys.argv[1])
    made = make(folder)
    if not made:
        sys.stderr.write(f"secrets are in {str(folder)!r} already; to draw new ones, remove that folder first\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
