"""The table of words follows names, notes and tags."""

import sqlite3

from search_history import Run, insert, open_history
from test_search_sqlite import pages, query

from murmur_search.sqlite_text import index_text


def found(connection: sqlite3.Connection, words: str) -> list[str]:
    return pages(connection, query(f"text MATCH '{words}'"))


def test_words_follow_what_is_changed() -> None:
    connection = open_history()
    insert(connection, [Run(id="r", name="first name"), Run(id="other", name="first")])
    assert found(connection, "first name") == ["r"]
    connection.execute("UPDATE runs SET name = 'second' WHERE id = 'r'")
    connection.execute("INSERT INTO tags VALUES (1, 'team', 'blue', 1)")
    index_text(connection, [1])
    assert found(connection, "first") == ["other"]
    assert found(connection, "second blue team") == ["r"]


def test_a_deleted_row_loses_its_words() -> None:
    connection = open_history()
    insert(connection, [Run(id="r", name="first")])
    connection.execute("DELETE FROM runs WHERE id = 'r'")
    index_text(connection, [1])
    assert connection.execute("SELECT count(*) FROM run_text WHERE run_text MATCH 'first'").fetchone() == (0,)


def test_a_transaction_that_is_rolled_back_takes_its_words_with_it() -> None:
    connection = open_history()
    insert(connection, [Run(id="r", name="first")])
    connection.commit()
    connection.execute("UPDATE runs SET name = 'second' WHERE id = 'r'")
    index_text(connection, [1])
    connection.rollback()
    assert found(connection, "first") == ["r"]
    assert found(connection, "second") == []


def test_words_are_never_operators() -> None:
    connection = open_history()
    insert(connection, [Run(id="r", name="not near or and"), Run(id="other", name="near")])
    assert found(connection, "NOT near") == ["r"]
    assert found(connection, "OR AND") == ["r"]
