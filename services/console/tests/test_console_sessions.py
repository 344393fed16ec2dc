"""Whose token the console shows to services, and where signing in leads."""

import re
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
from fastapi import FastAPI

from murmur_access import Role, TokenFile
from murmur_console.clients import FrontDoor
from murmur_console.signing.pages import router
from murmur_console.signing.sessions import COOKIE, Cookies, Sessions
from murmur_kernel.testing import ManualClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Pages:
    """Says which page is being answered, as NiceGUI does; None is a task of the console's own."""

    def __init__(self) -> None:
        self.cookies: Cookies | None = None

    def __call__(self) -> Cookies | None:
        return self.cookies


def opened(tmp_path: Path, pages: Pages) -> tuple[Sessions, dict[str, str], dict[str, str]]:
    """Sessions of ada and then bob: their cookies by name, and their tokens."""
    tokens = TokenFile(tmp_path / "tokens.json", now=lambda: NOW)
    sessions = Sessions(tokens, ManualClock(NOW), page=pages)
    shown = {name: tokens.issue(name, [Role.APPROVER]).token for name in ("ada", "bob")}
    return sessions, {name: sessions.open(token) or "" for name, token in shown.items()}, shown


def test_a_page_shows_the_token_of_the_person_whose_it_is(tmp_path: Path) -> None:
    pages = Pages()
    sessions, ids, tokens = opened(tmp_path, pages)
    for name in ids:
        pages.cookies = {COOKIE: ids[name]}
        assert (sessions.token(), sessions.signer()) == (tokens[name], name)


def test_a_page_of_somebody_who_has_signed_out_shows_nobodys_token(tmp_path: Path) -> None:
    pages = Pages()
    sessions, ids, _ = opened(tmp_path, pages)
    pages.cookies = {COOKIE: ids["ada"]}
    sessions.close(ids["ada"])
    assert sessions.token() is None
    pages.cookies = {}
    assert sessions.token() is None


def test_what_the_console_itself_reads_is_read_as_who_signed_in_last(tmp_path: Path) -> None:
    sessions, ids, tokens = opened(tmp_path, Pages())
    assert sessions.token() == tokens["bob"]
    sessions.close(ids["bob"])
    assert sessions.token() == tokens["ada"]
    sessions.close(ids["ada"])
    assert sessions.token() is None


async def test_signing_in_leads_to_the_page_that_was_asked_for_with_its_query(tmp_path: Path) -> None:
    wanted = "/workflows/x?chain=a&event=b"
    sessions, _, tokens = opened(tmp_path, Pages())
    app = FastAPI()
    app.include_router(router(sessions, FrontDoor("http://127.0.0.1:1")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://console") as browser:
        page = await browser.get("/sign-in", params={"next": wanted})
        [action] = re.findall('action="([^"]+)"', page.text)
        signed = await browser.post(unescape(action), data={"token": tokens["ada"]})
    assert signed.headers["location"] == wanted
