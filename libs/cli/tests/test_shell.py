"""What the command line shows of foreign data, and of what was typed wrongly."""

import pytest
from typer.testing import CliRunner

from murmur_cli import shell
from murmur_cli.main import app


@pytest.mark.parametrize("text", ["ends [/x] here", "[link=https://example.org]a[/link]", "[red]"])
def test_a_table_shows_foreign_texts_as_they_are(text: str) -> None:
    with shell.out.capture() as captured:
        shell.show([{"reason": text}], ["reason"], as_json=False, empty="none")
    assert text in captured.get()


@pytest.mark.parametrize("more", [[], ["--svg", "picture.svg"]])
def test_a_topic_that_does_not_exist_is_named_with_those_that_do(more: list[str]) -> None:
    done = CliRunner().invoke(app, ["events", "--topic", "run.complete", *more])
    assert done.exit_code == 2
    assert "there is no topic 'run.complete'" in done.output
    assert "run.completed" in done.output
