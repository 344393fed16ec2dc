"""The command about what happened: the history of events, as lines, documents or a picture."""

import json
from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer

from murmur_cli import feed, shell
from murmur_cli.door import Json
from murmur_cli.picture import draw
from murmur_cli.shell import AsJson, Unusable
from murmur_cli.story import Storyteller
from murmur_events import Envelope
from murmur_events.catalog import CATALOG, topic_named
from murmur_events.errors import UnknownTopic


def add_to(app: typer.Typer) -> None:
    app.command("events")(events)


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
    with shell.explained():
        for name in topic or ():
            _check_topic(name)
    if svg is not None:
        past = [one for one in shell.run(_past()) if _is_of(one, correlation, topic)]
        with shell.explained():
            svg.write_text(draw(past))
        shell.out.print(f"wrote {svg}: {len(past)} events")
        return
    shell.run(_events(correlation or "", tuple(topic or feed.STORY_TOPICS), follow, as_json))


def _check_topic(name: str) -> None:
    try:
        topic_named(name)
    except UnknownTopic as error:
        known = ", ".join(sorted(topic.name for topic in CATALOG))
        raise Unusable(f"there is no topic {name!r}", advice=f"the topics are {known}") from error


async def _past() -> list[Envelope]:
    return await feed.past(shell.broker())


def _is_of(envelope: Envelope, correlation: str | None, topics: list[str] | None) -> bool:
    return envelope.correlation_id.startswith(correlation or "") and (not topics or envelope.topic in topics)


async def _events(correlation: str, topics: tuple[str, ...], follow: bool, as_json: bool) -> None:
    teller, traces = Storyteller(), {""}
    async with aclosing(feed.events(shell.broker(), topics=topics, follow=follow)) as history:
        async for envelope in history:
            if not envelope.correlation_id.startswith(correlation):
                continue
            if as_json:
                print(json.dumps(as_document(envelope)), flush=True)  # noqa: T201  # JSON lines
            else:
                if correlation and (trace := _trace_of(envelope)) not in traces:
                    traces.add(trace)
                    shell.out.print(f"trace {trace}")
                shell.out.print(teller.line(envelope), soft_wrap=True)


def _trace_of(envelope: Envelope) -> str:
    """The id to look it up by in a tracing backend, from its W3C traceparent; empty where nobody traced."""
    return envelope.traceparent.split("-")[1] if envelope.traceparent else ""


def as_document(envelope: Envelope) -> Json:
    """An envelope as JSON: its attributes, and the event under `data`."""
    attributes = {name: value for name, value in vars(envelope).items() if name != "event"}
    return {**attributes, "time": envelope.time.isoformat(), "data": envelope.event.model_dump(mode="json")}
