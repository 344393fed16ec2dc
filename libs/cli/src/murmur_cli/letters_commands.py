"""Commands about events that a service could not handle: find, look, correct, hand in again, let go."""

import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from murmur_cli import shell
from murmur_cli.door import FrontDoor, Json, NotReachable, Rejected
from murmur_cli.letters_view import letter_page
from murmur_cli.shell import AsJson, Unusable
from murmur_events.catalog import SERVICES

LetterId = Annotated[str, typer.Argument(help="Its id, or the beginning of it.")]
By = Annotated[str | None, typer.Option(help="Who decides; without it whose token it is, or your login name.")]
Service = Annotated[str | None, typer.Option(help="Only those of this service.")]
Topic = Annotated[str | None, typer.Option(help="Only events of this topic.")]
Error = Annotated[str | None, typer.Option(help="Only those that died of this: InvalidPayload, Expired, …")]
Since = Annotated[str | None, typer.Option(help="Only from this time on: 2026-11-25T12:00:00Z.")]


def add_to(app: typer.Typer) -> None:
    letters = typer.Typer(
        help="Events that a service could not handle: list, show, edit, redrive, discard.", no_args_is_help=True
    )
    letters.command("list")(list_letters)
    letters.command("show")(show_letter)
    letters.command("edit")(edit)
    letters.command("redrive")(redrive)
    letters.command("discard")(discard)
    app.add_typer(letters, name="dead-letters")


def list_letters(
    service: Service = None,
    topic: Topic = None,
    error: Error = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many of each service, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, of all services at once.

    Example: [bold]murmur dead-letters list --topic run.completed --error InvalidPayload[/bold]
    """

    async def work(door: FrontDoor) -> list[Json]:
        query = {"topic": topic, "error": error, "since": since, "limit": limit}
        pages = await _from_each(door, service, "/v1/dead-letters", **query)
        for name, page in pages.items():
            if page["next"]:
                shell.err.print(f"[dim]{name} has more: its newest {limit} are shown of {page['counts']}[/dim]")
        return [{**letter, "service": name} for name, page in pages.items() for letter in page["items"]]

    columns = ("id", "service", "topic", "key", "error", "reason")
    shell.show(shell.call(work), columns, as_json=as_json, empty="no dead letters: all is well")


def show_letter(letter_id: LetterId, as_json: AsJson = False) -> None:
    """Print one dead letter: what its schema finds wrong, who changed what, headers and payload.

    Example: [bold]murmur dead-letters show 3f2a91[/bold]
    """
    service, letter = shell.call(lambda door: _find(door, letter_id))
    if as_json:
        shell.show_json({**letter, "service": service})
    else:
        shell.out.print(letter_page(service, letter))


def edit(
    letter_id: LetterId,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why it may be changed; kept with the letter.")],
    assign: Annotated[
        list[str] | None, typer.Option("--set", help="A field and its JSON value: --set version=1. Repeatable.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="The whole payload as JSON.", exists=True, dir_okay=False)] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Correct the payload of a letter that does not fit its schema. Without --set or --file, in $EDITOR.

    Example: [bold]murmur dead-letters edit 3f2a91 --set model.version=2 --reason "the client sent text"[/bold]
    """

    async def work(door: FrontDoor) -> Json:
        service, letter = await _find(door, letter_id)
        body = {"value": _edited(letter, assign or [], file), "by": door.signature(by), "reason": reason}
        return await door.put(f"/{service}/v1/dead-letters/{letter['id']}/payload", body)

    edited = shell.call(work)
    if as_json:
        shell.show_json(edited)
    else:
        shell.out.print(f"letter {edited['id']} is version {edited['version']} and fits its schema")
        shell.out.print(f"[dim]hand it in: murmur dead-letters redrive {edited['id'][:8]}[/dim]")


def redrive(
    letter_id: Annotated[str | None, typer.Argument(help="Its id, or the beginning of it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that fit the options below, in their order.")] = False,
    service: Service = None,
    topic: Topic = None,
    error: Error = None,
    since: Since = None,
    reason: Annotated[str, typer.Option("--reason", "-r", help="What was mended.")] = "",
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Hand dead letters to their service again, once what was wrong is mended.

    Example: [bold]murmur dead-letters redrive --all --topic run.completed[/bold]
    """
    if (letter_id is None) is not every:
        raise typer.BadParameter("name one letter, or say --all (and which: --service, --topic, --error, --since)")

    async def work(door: FrontDoor) -> dict[str, int]:
        who = {"by": door.signature(by), "reason": reason}
        if letter_id is not None:
            owner, letter = await _find(door, letter_id)
            await door.post(f"/{owner}/v1/dead-letters/{letter['id']}/redrive", who)
            return {owner: 1}
        wanted = {name: value for name, value in (("topic", topic), ("error", error), ("since", since)) if value}
        pages = await _from_each(door, service, "/v1/dead-letters", **wanted, limit=1)
        return {name: await _redrive_all(door, name, who | wanted) for name, page in pages.items() if page["items"]}

    done = shell.call(work)
    if as_json:
        shell.show_json(done)
    elif not any(done.values()):
        shell.out.print("no dead letter fits")
    for owner, number in done.items() if not as_json else ():
        shell.out.print(f"{number} handed to {owner} again; what fails again comes back")


def discard(
    letter_id: LetterId,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why nobody needs it; kept for ever.")],
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Let go of a dead letter for good.

    Example: [bold]murmur dead-letters discard 3f2a91 --reason "sent by a test"[/bold]
    """

    async def work(door: FrontDoor) -> Json:
        service, letter = await _find(door, letter_id)
        body = {"by": door.signature(by), "reason": reason}
        return await door.post(f"/{service}/v1/dead-letters/{letter['id']}/discard", body)

    discarded = shell.call(work)
    if as_json:
        shell.show_json(discarded)
    else:
        shell.out.print(f"discarded {discarded['topic']} {discarded['key']}", markup=False)


async def _redrive_all(door: FrontDoor, service: str, body: Json) -> int:
    """In rounds, so that no call takes long. What comes back while this goes on is not taken up again."""
    total = 0
    left = (await door.get(f"/{service}/v1/dead-letters", limit=1))["counts"]
    most = sum(left.values())
    while total < most:
        answer = await door.post(f"/{service}/v1/dead-letters/redrive", {**body, "limit": min(500, most - total)})
        total += answer["redriven"]
        if not answer["left"]:
            break
    return total


def _edited(letter: Json, assign: list[str], file: Path | None) -> Any:
    if file is not None:
        return _json(file.read_text(), str(file))
    if not assign:
        before = _pretty(letter["value"])
        text = in_editor(before)
        if text == before:
            raise Unusable("nothing was changed", advice="save in the editor, or use --set or --file")
        return _json(text, "what was saved")
    value = _json(letter["value"], "the payload")
    for one in assign:
        _assign(value, one)
    return value


def in_editor(text: str) -> str:
    """The text as it was left in the editor that $VISUAL or $EDITOR names. Raises Unusable."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "payload.json"
        path.write_text(text)
        try:
            subprocess.run([*shlex.split(editor), str(path)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            advice = "set EDITOR to one that is there, or use --set or --file"
            raise Unusable(f"the editor {editor!r} did not end well: {error}", advice=advice) from None
        return path.read_text()


def _assign(value: Any, assignment: str) -> None:
    path, equals, text = assignment.partition("=")
    if not equals:
        raise Unusable(f"--set {assignment!r} has no value", advice="write --set field=value, such as version=2")
    *steps, last = path.split(".")
    try:
        for step in steps:
            value = value[int(step) if isinstance(value, list) else step]
        value[int(last) if isinstance(value, list) else last] = _value(text)
    except (KeyError, IndexError, ValueError, TypeError):
        raise Unusable(f"the payload has no place {path!r}", advice="murmur dead-letters show prints it") from None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unusable(f"{what} is no JSON: {error}", advice="write all of it with --file") from None


def _pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    except ValueError:
        return text


async def _from_each(door: FrontDoor, service: str | None, path: str, **query: Any) -> dict[str, Json]:
    """Of every service that answers. Raises NotReachable when none does, Unusable for a service that is none."""
    if service is not None and service not in SERVICES:
        raise Unusable(f"{service!r} is no service", advice=f"one of {', '.join(SERVICES)}")
    found: dict[str, Json] = {}
    missing: list[NotReachable | Rejected] = []
    for name in [service] if service else SERVICES:
        try:
            found[name] = await door.get(f"/{name}{path}", **query)
        except (NotReachable, Rejected) as error:
            missing.append(error)
            shell.err.print(f"[yellow]{name} does not answer: its dead letters are not shown[/yellow]")
    if not found:
        raise missing[0]
    return found


async def _find(door: FrontDoor, letter_id: str) -> tuple[str, Json]:
    """By id or the unique beginning of one. Raises Unusable."""
    matches: list[tuple[str, str]] = []
    for service in await _from_each(door, None, "/v1/dead-letters", limit=1):
        letters = await door.items(f"/{service}/v1/dead-letters", limit=200)
        matches += [(service, letter["id"]) for letter in letters if letter["id"].startswith(letter_id)]
    if len(matches) == 1:
        service, found = matches[0]
        return service, await door.get(f"/{service}/v1/dead-letters/{found}")
    what = "no dead letter has" if not matches else f"{len(matches)} dead letters have"
    raise Unusable(f"{what} an id that begins with {letter_id!r}", advice="list them: murmur dead-letters list")
