"""Tokens kept as digests, files that only their owner reads, the way to a broker, secrets taken out of logs."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from murmur_access import BrokerAccess, BrokerSettings, Role, TokenFile, TokensUnreadable, TooOpen, UnknownToken
from murmur_access.binding import is_loopback, refuse_open_listener
from murmur_access.generate import main as generate
from murmur_access.private import read_private, write_private
from murmur_access.redaction import Redaction
from murmur_access.roles import Person
from murmur_access.rules import CLIENT, CONSOLE, OPERATOR, rules, users
from murmur_events import CATALOG

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "secrets" / "tokens.json", now=lambda: NOW)


def test_a_token_is_never_kept_only_its_digest(tokens: TokenFile) -> None:
    issued = tokens.issue("ada", [Role.AUTHOR, Role.APPROVER])
    assert issued.token not in tokens.path.read_text()
    assert tokens.person(issued.token) == Person("ada", frozenset({Role.AUTHOR, Role.APPROVER}))
    assert tokens.person(issued.token[:-1]) is None
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.path.parent.stat().st_mode) == 0o700


def test_another_process_sees_a_new_and_a_revoked_token_at_once(tokens: TokenFile) -> None:
    other = TokenFile(tokens.path, now=lambda: NOW)
    first, second = tokens.issue("ada", [Role.VIEWER]), tokens.issue("bob", [Role.VIEWER])
    assert other.person(first.token) is not None
    tokens.revoke(first.record.id)
    assert other.person(first.token) is None
    assert other.person(second.token) is not None
    with pytest.raises(UnknownToken, match="'ada'"):
        tokens.revoke("ada")


def test_a_token_ends_at_its_date_and_not_before(tmp_path: Path) -> None:
    clock = [NOW]
    tokens = TokenFile(tmp_path / "tokens.json", now=lambda: clock[0])
    issued = tokens.issue("ada", [Role.VIEWER], expires=NOW + timedelta(hours=1))
    clock[0] = NOW + timedelta(minutes=59)
    assert tokens.person(issued.token) is not None
    clock[0] = NOW + timedelta(hours=1)
    assert tokens.person(issued.token) is None


def test_a_damaged_file_is_said_without_its_content(tokens: TokenFile) -> None:
    tokens.path.parent.mkdir()
    tokens.path.write_text('{"tokens": [{"sha256": "s3cret"}]}')
    with pytest.raises(TokensUnreadable) as caught:
        tokens.person("murmur_x")
    assert "s3cret" not in str(caught.value)


def test_every_role_reads_and_none_does_what_another_may() -> None:
    for role in Role:
        person = Person("ada", frozenset({role}))
        assert [one for one in Role if person.may(one)] == sorted({Role.VIEWER, role}, key=list(Role).index)
    assert not Person("nobody", frozenset()).may(Role.VIEWER)


def test_a_secret_that_others_may_open_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "password"
    write_private(path, "s3cret\n")
    assert read_private(path) == "s3cret"
    path.chmod(0o644)
    with pytest.raises(TooOpen, match="0644"):
        read_private(path)


def test_settings_become_a_clients_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private(tmp_path / "registry", "s3cret")
    monkeypatch.setenv("MURMUR_BROKERS", "a:1,b:2")
    assert BrokerSettings().broker_access.arguments() == {
        "bootstrap_servers": "a:1,b:2",
        "security_protocol": "PLAINTEXT",
    }
    monkeypatch.setenv("MURMUR_KAFKA_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("MURMUR_KAFKA_USER", "registry")
    with pytest.raises(ValidationError, match="the password is missing"):
        _ = BrokerSettings().broker_access
    monkeypatch.setenv("MURMUR_KAFKA_PASSWORD_FILE", str(tmp_path / "registry"))
    access = BrokerSettings().broker_access
    assert access.arguments()["sasl_plain_password"] == "s3cret"
    assert "s3cret" not in access.model_dump_json() + repr(access) + str(access.environment())
    given = BrokerAccess(brokers="a:1", protocol=access.protocol, user="registry", password=SecretStr("s3cret"))
    assert "s3cret" not in given.model_dump_json() + repr(given)


def test_the_rules_say_what_the_owner_column_says() -> None:
    writers = {(rule.name, rule.user) for rule in rules() if rule.operation == "WRITE" and rule.pattern == "LITERAL"}
    assert writers == {(topic.name, writer) for topic in CATALOG for writer in topic.writers} | {
        (topic.name, CLIENT) for topic in CATALOG if topic.open_to_clients
    }
    assert {rule.operation for rule in rules() if rule.user == CONSOLE} == {"READ"}
    assert OPERATOR not in {rule.user for rule in rules()}
    assert {rule.user for rule in rules()} < set(users())


def test_the_file_of_rules_is_checked_against_the_catalog(tmp_path: Path) -> None:
    path = tmp_path / "acls.json"
    assert generate([str(path), "--check"]) == 1
    assert generate([str(path)]) == 0
    assert generate([str(path), "--check"]) == 0
    content = json.loads(path.read_text())
    content["rules"][0]["user"] = "client"
    path.write_text(json.dumps(content))
    assert generate([str(path), "--check"]) == 1


def test_beyond_loopback_only_with_tokens() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost")] == [True] * 3
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "flock.example.org", "")] == [False] * 5
    refuse_open_listener("0.0.0.0", "tokens")
    with pytest.raises(ValueError, match="MURMUR_AUTH=tokens"):
        refuse_open_listener("0.0.0.0", "off")


def test_secrets_are_taken_out_by_name_by_form_and_by_value() -> None:
    redaction = Redaction(["pa55"])
    token = "murmur_" + "a" * 43
    said = redaction(
        None,
        "info",
        {
            "event": f"called with {token}",
            "password": "x",
            "headers": {"Authorization": "Bearer abcdefghijkl", "accept": "json"},
            "url": "mongodb://ada:hidden@db:1/x",
            "detail": ["the value pa55 is wrong", 3, None],
            "jaas": 'Login required username="a" password="hidden2";',
            "error": ValueError("pa55"),
            "tokens": 7,
            "count": 1,
        },
    )
    text = repr(said)
    for secret in (token, "abcdefghijkl", "hidden", "hidden2", "pa55", "'x'"):
        assert secret not in text, secret
    assert (said["tokens"], said["count"], said["headers"]["accept"]) == (7, 1, "json")
    assert said["url"] == "mongodb://ada:[redacted]@db:1/x"
