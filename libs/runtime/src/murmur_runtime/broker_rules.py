"""Makes a broker's users and rules those of the catalog: adds what is missing, takes away what is no longer allowed.

For brokers of one's own: `python -m murmur_runtime.broker_rules <folder with a password file for each user>`, with the
administrator's access in MURMUR_BROKERS and MURMUR_KAFKA_….
"""

import hashlib
import logging
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from murmur_access.broker import MECHANISM, BrokerAccess, BrokerSettings
from murmur_access.private import read_private, write_private
from murmur_access.rules import OPERATOR, Rule, rules, users
from murmur_runtime.errors import RulesNotApplied
from murmur_runtime.vault import Vault

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

_ITERATIONS = 8192


@dataclass(frozen=True)
class Applied:
    """How much was changed."""

    users: int
    added: int
    removed: int


def up_to_date(vault: Vault) -> bool:
    """Whether the broker of this flock was told these users and rules already."""
    return vault.applied.exists() and vault.applied.read_text() == _digest(vault)


def apply(access: BrokerAccess, vault: Vault) -> Applied:
    """Repeatable; what is right stays untouched. Blocks for some tenths of a second. Raises RulesNotApplied."""
    passwords = {user: read_private(vault.password_file(user)) for user in users()}
    applied = apply_to(access, passwords, rules())
    write_private(vault.applied, _digest(vault))
    return applied


def apply_to(access: BrokerAccess, passwords: Mapping[str, str], wanted: Iterable[Rule]) -> Applied:
    """To any broker, as its administrator. Raises RulesNotApplied."""
    # aiokafka has no calls for rules. kafka-python takes seconds to import: only who needs it waits for it.
    from kafka.errors import KafkaError

    try:
        client = _connected(access)
        try:
            return _reconcile(client, passwords, set(wanted))
        finally:
            client.close()
    except (KafkaError, OSError) as error:
        raise RulesNotApplied(access.brokers, f"{type(error).__name__}: {error}") from error


def allowed(access: BrokerAccess) -> set[Rule]:
    """The rules that a broker has now. Raises KafkaError."""
    client = _connected(access)
    try:
        return set(_present(client))
    finally:
        client.close()


def _connected(access: BrokerAccess) -> "KafkaAdminClient":
    from kafka.admin import KafkaAdminClient

    logging.getLogger("kafka").setLevel(logging.ERROR)
    arguments: dict[str, Any] = {**access.arguments(), "bootstrap_timeout_ms": 10_000}
    return KafkaAdminClient(**arguments)


def _reconcile(client: "KafkaAdminClient", passwords: Mapping[str, str], wanted: set[Rule]) -> Applied:
    from kafka.admin import ACLFilter, ScramMechanism, UserScramCredentialUpsertion

    known = {name for name, found in client.describe_user_scram_credentials().items() if not found["error"]}
    missing = [
        UserScramCredentialUpsertion(user, ScramMechanism.SCRAM_SHA_512, password, iterations=_ITERATIONS)
        for user, password in passwords.items()
        if user not in known and user != OPERATOR
    ]
    refused = client.alter_user_scram_credentials(missing) if missing else {}
    present = set(_present(client))
    created = client.create_acls([_acl(rule) for rule in sorted(wanted - present)]) if wanted - present else {}
    for acl in map(_acl, present - wanted):
        exactly = ACLFilter(acl.principal, acl.host, acl.operation, acl.permission_type, acl.resource_pattern)
        client.delete_acls([exactly])
    failed = [*(why for why in refused.values() if why), *created.get("failed", ())]
    if failed:
        raise RulesNotApplied("the broker", "; ".join(map(str, failed)))
    return Applied(len(missing), len(wanted - present), len(present - wanted))


def _present(client: "KafkaAdminClient") -> list[Rule]:
    from kafka.admin import (
        ACLFilter,
        ACLOperation,
        ACLPermissionType,
        ACLResourcePatternType,
        ResourcePatternFilter,
        ResourceType,
    )

    everything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    found, _ = client.describe_acls(ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, everything))
    return [
        Rule(
            user=acl.principal.removeprefix("User:"),
            resource=acl.resource_pattern.resource_type.name,
            name=acl.resource_pattern.resource_name,
            operation=acl.operation.name,
            pattern=acl.resource_pattern.pattern_type.name,
        )
        for acl in found
    ]


def _acl(rule: Rule) -> Any:
    from kafka.admin import (
        ACL,
        ACLOperation,
        ACLPermissionType,
        ACLResourcePatternType,
        ResourcePattern,
        ResourceType,
    )

    pattern = ResourcePattern(ResourceType[rule.resource], rule.name, ACLResourcePatternType[rule.pattern])
    return ACL(f"User:{rule.user}", "*", ACLOperation[rule.operation], ACLPermissionType.ALLOW, pattern)


def _digest(vault: Vault) -> str:
    said = repr((MECHANISM, users(), rules(), str(vault.root)))
    return hashlib.sha256(said.encode()).hexdigest() + "\n"


def main() -> int:
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m murmur_runtime.broker_rules <folder with a password file for each user>")
    folder = Path(sys.argv[1])
    passwords = {user: read_private(folder / user) for user in users() if (folder / user).exists()}
    applied = apply_to(BrokerSettings().broker_access, passwords, rules())
    sys.stdout.write(f"{applied.users} users and {applied.added} rules added, {applied.removed} rules removed\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
