"""The broker's side of `--secure`: who may connect, by which secret, and that nothing is allowed which no rule allows.

Passwords stand in the vault's files only: the configuration names the files (Kafka's DirectoryConfigProvider).
"""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from murmur_access.broker import MECHANISM
from murmur_access.private import read_private, write_private
from murmur_access.rules import OPERATOR, users
from murmur_runtime.errors import KeyUnreadable
from murmur_runtime.nodes import Node
from murmur_runtime.settings import FlockSettings
from murmur_runtime.vault import Vault

_LOGIN = "org.apache.kafka.common.security"


def properties(settings: FlockSettings, vault: Vault, node: Node) -> dict[str, str]:
    """What server.properties of one node says beyond, or instead of, what an open broker's says.

    The controller's listener takes the operator only, by PLAIN: SCRAM's credentials are kept by the controller itself,
    which must be reached first.
    """
    host, name = settings.inner_host, settings.kafka_protocol.value
    listener = f"listener.name.{name.lower()}"
    secret = f"${{directory:{vault.kafka}:{OPERATOR}}}"
    scram = f'{_LOGIN}.scram.ScramLoginModule required username="{OPERATOR}" password="{secret}";'
    plain = f'{_LOGIN}.plain.PlainLoginModule required username="{OPERATOR}" password="{secret}"'
    return {
        "config.providers": "directory",
        "config.providers.directory.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
        "listeners": f"{name}://{host}:{node.port},CONTROLLER://{host}:{node.controller}",
        "advertised.listeners": f"{name}://{host}:{node.port}",
        "listener.security.protocol.map": f"{name}:{name},CONTROLLER:SASL_PLAINTEXT",
        "inter.broker.listener.name": name,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        "sasl.mechanism.controller.protocol": "PLAIN",
        f"{listener}.sasl.enabled.mechanisms": MECHANISM,
        f"{listener}.{MECHANISM.lower()}.sasl.jaas.config": scram,
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": f'{plain} user_{OPERATOR}="{secret}";',
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{OPERATOR}",
        **(_tls(settings, vault, listener) if settings.kafka_protocol.encrypts else {}),
    }


def _tls(settings: FlockSettings, vault: Vault, listener: str) -> dict[str, str]:
    """The certificate and its key in one file, as Kafka wants a PEM key store; written anew at every start.

    Raises KeyUnreadable.
    """
    assert settings.kafka_cert is not None
    assert settings.kafka_key is not None
    pair = vault.root / "broker.pem"
    write_private(pair, _pkcs8(settings.kafka_key) + settings.kafka_cert.read_text())
    return {
        f"{listener}.ssl.keystore.type": "PEM",
        f"{listener}.ssl.keystore.location": str(pair),
        f"{listener}.ssl.truststore.type": "PEM",
        f"{listener}.ssl.truststore.location": str(settings.kafka_ca or settings.kafka_cert),
    }


def _pkcs8(path: Path) -> str:
    """Java reads private keys in this form only; OpenSSL's older tools write others. Raises KeyUnreadable."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable(path, str(error)) from error
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def scram_users(vault: Vault) -> list[str]:
    """Arguments of Kafka's storage tool that make every user known before the broker first starts."""
    found: list[str] = []
    for user in users():
        found += ["--add-scram", f"{MECHANISM}=[name={user},password={read_private(vault.password_file(user))}]"]
    return found


def run_unseen(
    command: Sequence[str], vault: Vault, *, environment: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Runs java with its arguments in a file of the vault's: on a command line everybody on this machine reads them.

    The launcher takes options, class and the class's own arguments from the file.
    """
    java, *arguments = command
    with tempfile.NamedTemporaryFile(
        "w", dir=vault.root, prefix="java.", suffix=".args"
    ) as file:  # 0600 from the start
        file.write("\n".join(_quoted(argument) for argument in arguments) + "\n")
        file.flush()
        return subprocess.run(
            [java, f"@{file.name}"], env=dict(environment), capture_output=True, text=True, check=False
        )


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
