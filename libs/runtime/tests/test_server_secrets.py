"""Secrets of the containers: drawn once, closed to other users of the host, and those that docker-compose.yml names."""

from pathlib import Path

from murmur_access import Role, TokenFile
from murmur_access.rules import users
from murmur_runtime import server_secrets


def test_they_are_drawn_once_and_the_folder_is_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"

    made = server_secrets.make(folder)
    before = {name: (folder / name).read_text() for name in made}

    assert server_secrets.make(folder) == []
    assert {name: (folder / name).read_text() for name in made} == before
    assert folder.stat().st_mode & 0o077 == 0


def test_what_belongs_together_fits_and_no_two_draws_are_alike() -> None:
    one, other = server_secrets.contents(), server_secrets.contents()

    assert one["mongo_password"] in one["store"]
    [access] = [line for line in one["s3_credentials"].splitlines() if line.startswith("aws_secret_access_key")]
    assert access.split(" = ")[1] in one["s3_config"]
    assert not set(one.values()) & set(other.values())
    assert 6 <= len(one["mongo_keyfile"]) <= 1024  # as mongod wants it


def test_whoever_sets_the_servers_up_may_do_everything_and_prometheus_may_read(tmp_path: Path) -> None:
    server_secrets.make(tmp_path)
    tokens = TokenFile(tmp_path / "tokens" / "tokens.json")

    operator = tokens.person((tmp_path / "token").read_text())
    prometheus = tokens.person((tmp_path / "prometheus_token").read_text())

    assert operator is not None
    assert operator.roles == frozenset(Role)
    assert prometheus is not None
    assert prometheus.roles == {Role.VIEWER}


def test_containers_can_still_read_the_file_of_tokens_after_another_was_issued(tmp_path: Path) -> None:
    """They run as other users than whoever issues; the folder above is closed, and the file holds digests only."""
    server_secrets.make(tmp_path)
    document = tmp_path / "tokens" / "tokens.json"

    TokenFile(document).issue("ada", [Role.AUTHOR])

    assert document.stat().st_mode & 0o444 == 0o444
    assert len(TokenFile(document).records()) == 3


def test_every_kafka_user_has_a_password_in_a_file_that_kafka_can_use_as_it_is(tmp_path: Path) -> None:
    server_secrets.make(tmp_path)
    passwords = {user: (tmp_path / f"kafka_{user}").read_text() for user in users()}

    assert len(set(passwords.values())) == len(users())
    assert all(password == password.strip() for password in passwords.values())
