"""Commands about what happened: the history of events, and those that could not be handled."""

import json
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer

from murmur_cli import feed, shell
from murmur_cli.door import FrontDoor, Json, NotReachable, Rejected
from murmur_cli.picture import draw
from murmur_cli.shell import AsJson, Unusable
from murmur_cli.story import Storyteller
from murmur_events import Envelope
from murmur_events.catalog import SERVICES


def add_to(app: typer.Typer) -> None:
    app.command("events")(events)
    letters = typer.Typer(help="Events that a service could not handle: look, redrive, discard.", no_args_is_help=True)
    letters.command("list")(list_letters)
    letters.command("show")(show_letter)
    letters.command("redrive")(redrive)
    letters.command("discard")(discard)
    app.add_typer(letters, name="dead-letters")


def events(
    correlation: Annotated[str | None, typer.Option(help="Only one chain: its id, or the beginning of it.")] = None,
    topic: Annotated[list[str] | None, typer.Option(help="Only these topics. Repeatable.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as events happen, until Ctrl-C.")] = False,
    svg: Annotated[Path | None, typer.Option(help="Draw them into this file instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the history of events, one line each, indented by cause.

    Example: [bold]murmur events --correlation 3f2a91 --follow[/bold]
    """
    if svg is not None:
        past = [one for one in shell.run(feed.past(shell.broker())) if _is_of(one, correlation, topic)]
        with shell.explained():
            svg.write_text(draw(past))
        shell.out.print(f"wrote {svg}: {len(past)} events")
        return
    shell.run(_events(correlation or "", tuple(topic or feed.STORY_TOPICS), follow, as_json))


def _is_of(envelope: Envelope, correlation: str | None, topics: list[str] | None) -> bool:
    return envelope.correlation_id.startswith(correlation or "") and (not topics or envelope.topic in topics)


async def _events(correlation: str, topics: tuple[str, ...], follow: bool, as_json: bool) -> None:
    teller = Storyteller()
    async with aclosing(feed.events(shell.broker(), topics=topics, follow=follow)) as history:
        async for envelope in history:
            if not envelope.correlation_id.startswith(correlation):
                continue
            if as_json:
                print(json.dumps(as_document(envelope)), flush=True)  # noqa: T201  # JSON lines
            else:
                shell.out.print(teller.line(envelope), soft_wrap=True)


def as_document(envelope: Envelope) -> Json:
    """An envelope as JSON: its attributes, and the event under `data`."""
    attributes = {name: value for name, value in vars(envelope).items() if name != "event"}
    return {**attributes, "time": envelope.time.isoformat(), "data": envelope.event.model_dump(mode="json")}


def list_letters(as_json: AsJson = False) -> None:
    """List all dead letters of all services.

    Example: [bold]murmur dead-letters list[/bold]
    """
    rows = [{**letter, "service": service} for service, letters in shell.call(_letters).items() for letter in letters]
    shell.show(
        rows,
        ("id", "service", "topic", "key", "error", "reason"),
        as_json=as_json,
        empty="no dead letters: all is well",
    )


def show_letter(letter_id: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Print one dead letter whole.

    Example: [bold]murmur dead-letters show 3f2a91…[/bold]
    """
    _, letter = shell.call(lambda door: _find(door, letter_id))
    shell.show_json(letter)


def redrive(letter_id: Annotated[str, typer.Argument(help="Its id.")]) -> None:
    """Hand a dead letter to its service again, once what was wrong is mended.

    Example: [bold]murmur dead-letters redrive 3f2a91…[/bold]
    """

    async def work(door: FrontDoor) -> str:
        service, letter = await _find(door, letter_id)
        await door.post(f"/{service}/v1/dead-letters/{letter['id']}/redrive")
        return service

    shell.out.print(f"handed to {shell.call(work)} again; if it fails again it comes back")


def discard(
    letter_id: Annotated[str, typer.Argument(help="Its id.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why nobody needs it.")],
) -> None:
    """Let go of a dead letter for good.

    Example: [bold]murmur dead-letters discard 3f2a91… --reason "sent by a test"[/bold]
    """

    async def work(door: FrontDoor) -> None:
        service, letter = await _find(door, letter_id)
        await door.post(f"/{service}/v1/dead-letters/{letter['id']}/discard", {"reason": reason})

    shell.call(work)
    shell.out.print("discarded")


async def _letters(door: FrontDoor) -> dict[str, list[Json]]:
    """Of every service that answers. Raises NotReachable when none does."""
    found: dict[str, list[Json]] = {}
    missing: list[Any] = []
    for service in SERVICES:
        try:
            found[service] = await door.items(f"/{service}/v1/dead-letters")
        except (NotReachable, Rejected) as error:
            missing.append(error)
            shell.err.print(f"[yellow]{service} does not answer: its dead letters are not shown[/yellow]")
    if not found:
        raise missing[0]
    return found


async def _find(door: FrontDoor, letter_id: str) -> tuple[str, Json]:
    """By id or the unique beginning of one. Raises Unusable."""
    matches = [
        (service, letter)
        for service, letters in (await _letters(door)).items()
        for letter in letters
        if letter["id"].startswith(letter_id)
    ]
    if len(matches) == 1:
        return matches[0]
    what = "no dead letter has" if not matches else f"{len(matches)} dead letters have"
    raise Unusable(f"{what} an id that begins with {letter_id!r}", advice="list them: murmur dead-letters list")
