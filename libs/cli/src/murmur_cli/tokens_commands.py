"""Commands that let people in and put them out: each token belongs to one person and names their roles."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from murmur_access import Role, TokenFile, TokenRecord
from murmur_cli import shell, signing_in
from murmur_cli.shell import AsJson, Unusable

_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def add_to(app: typer.Typer) -> None:
    tokens = typer.Typer(
        help="Who may call this flock's REST API and console: make, list, revoke.", no_args_is_help=True
    )
    tokens.command("create")(create)
    tokens.command("list")(list_tokens)
    tokens.command("revoke")(revoke)
    app.add_typer(tokens, name="tokens")


def create(
    subject: Annotated[str, typer.Option(help="Whose it is: the name that stands beside what they do.")],
    role: Annotated[list[Role], typer.Option(help="What they may do. Repeatable; every role may read.")],
    expires: Annotated[str | None, typer.Option(help="After 12h, 90d, 4w, or at an ISO date; else never.")] = None,
    keep: Annotated[bool, typer.Option(help="Let this home's command line use it from now on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it once: nobody can read it again.

    viewer reads; author applies workflows and asks for trainings; approver decides reviews; operator mends dead letters
    and freezes.

    Example: [bold]murmur tokens create --subject ada --role approver --expires 90d[/bold]
    """
    with shell.explained():
        settings = shell.settings()
        until = None if expires is None else expiry(expires, datetime.now(UTC))
        issued = _tokens().issue(subject, role, expires=until)
        if keep:
            signing_in.keep(settings, issued.token)
    if as_json:
        shell.show_json({**_row(issued.record), "token": issued.token})
        return
    shell.out.print(issued.token, markup=False, soft_wrap=True)
    held, when = ", ".join(issued.record.roles), "never ends" if until is None else f"ends {until:%Y-%m-%d %H:%M} UTC"
    shell.err.print(
        f"[dim]{subject}: {held}; {when}. Only its digest was kept: this is the only time it is shown.[/dim]"
    )
    if settings.auth_mode == "off":
        shell.err.print("[yellow]this flock is set to ask nobody: MURMUR_AUTH=tokens murmur up[/yellow]")


def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens there are, never the tokens themselves.

    Example: [bold]murmur tokens list[/bold]
    """
    with shell.explained():
        rows = [_row(record) for record in _tokens().records()]
    shell.show(
        rows,
        ("id", "subject", "roles", "created", "expires"),
        as_json=as_json,
        empty="no token yet: murmur tokens create --subject <who> --role viewer",
    )


def revoke(
    token: Annotated[str, typer.Argument(help="Its id, or a subject: then all of theirs.")], as_json: AsJson = False
) -> None:
    """Refuse a token from now on. Services see it at their next call, without a restart.

    Example: [bold]murmur tokens revoke ada[/bold]
    """
    with shell.explained():
        revoked = [_row(record) for record in _tokens().revoke(token)]
    if as_json:
        shell.show_json(revoked)
        return
    for row in revoked:
        shell.out.print(f"revoked {row['id']} of {row['subject']} ({row['roles']})")


def expiry(text: str, now: datetime) -> datetime:
    """Raises Unusable."""
    if match := re.fullmatch(r"(\d+)([hdw])", text):
        return now.replace(microsecond=0) + timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        advice = "write it as 12h, 90d, 4w or 2027-01-31"
        raise Unusable(f"--expires {text!r} is neither a length of time nor a date", advice=advice) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if moment <= now:
        raise Unusable(f"--expires {text!r} is past: the token could never be used", advice="give a date to come")
    return moment


def _tokens() -> TokenFile:
    return TokenFile(shell.settings().tokens_file)


def _row(record: TokenRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "subject": record.subject,
        "roles": ", ".join(record.roles),
        "created": f"{record.created:%Y-%m-%d %H:%M}",
        "expires": f"{record.expires:%Y-%m-%d %H:%M}" if record.expires else None,
    }
