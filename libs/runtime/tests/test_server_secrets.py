"""Secrets of the containers: drawn once, closed to other users of the host, and those that docker-compose.yml names."""

from pathlib import Path

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
