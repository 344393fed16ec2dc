"""The sign-in page, signing out, and reports fetched as the person who reads them; all without a script."""

from html import escape
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from murmur_access import TokensUnreadable
from murmur_console.clients import DoorError, FrontDoor, Refusal
from murmur_console.signing.guard import SIGN_IN, sign_in_for
from murmur_console.signing.sessions import COOKIE, LONGEST, Sessions

_NOTHING_BUT_ITSELF = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
"""A report holds texts that come from data: no script may ever run in it."""
_PAGE = """<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><title>Sign in · Murmuration</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="stylesheet" href="/static/base.css"><link rel="stylesheet" href="/static/controls.css">
<link rel="stylesheet" href="/static/signing.css"></head>
<body class="m-signing"><main>
<h1>Murmuration</h1>
<form method="post" action="{action}" aria-label="Sign in">
<label for="token">Your token</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password" spellcheck="false">
{trouble}
<button type="submit" class="m-button m-primary">Sign in</button>
</form>
<p>An administrator of this flock makes one for you:</p>
<pre>murmur tokens create --subject &lt;you&gt; --role viewer</pre>
<p>Who raised the flock finds theirs in <code>secrets/token</code> of its home.</p>
</main></body></html>
"""


def router(sessions: Sessions, door: FrontDoor) -> APIRouter:
    api = APIRouter(include_in_schema=False)

    @api.get(SIGN_IN)
    async def page(next: str = "/") -> HTMLResponse:
        return _page(next)

    @api.post(SIGN_IN)
    async def sign_in(request: Request, next: str = "/") -> Response:
        token = parse_qs((await request.body()).decode("utf-8", errors="replace")).get("token", [""])[0].strip()
        try:
            session_id = sessions.open(token)
        except TokensUnreadable as error:
            return _page(next, trouble=str(error), status=503)
        if session_id is None:
            return _page(next, trouble="This token is unknown, expired or revoked.", status=401)
        answer = RedirectResponse(_inside(next), status_code=303)
        answer.set_cookie(
            COOKIE,
            session_id,
            max_age=int(LONGEST.total_seconds()),
            httponly=True,
            samesite="lax",
            secure="https" in (request.headers.get("x-forwarded-proto"), request.url.scheme),
        )
        return answer

    @api.post("/sign-out")
    async def sign_out(request: Request) -> Response:
        sessions.close(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse(SIGN_IN, status_code=303)
        answer.delete_cookie(COOKIE)
        return answer

    @api.get("/reports/{model}/{version}")
    async def report(model: str, version: int, request: Request) -> HTMLResponse:
        """A browser that opens a link shows no token: so the console fetches the report, with the reader's own."""
        session = sessions.of(request.cookies)
        try:
            content = await door.report(model, version, token=session.token if session else None)
        except DoorError as error:
            status = error.status if isinstance(error, Refusal) else 503
            return HTMLResponse(f"<p>{escape(str(error))}</p>", status, headers=_NOTHING_BUT_ITSELF)
        return HTMLResponse(content, headers=_NOTHING_BUT_ITSELF)

    return api


def _page(wanted: str, *, trouble: str = "", status: int = 200) -> HTMLResponse:
    said = f'<p class="m-trouble" role="alert">{escape(trouble)}</p>' if trouble else ""
    action = escape(sign_in_for(_inside(wanted)))
    return HTMLResponse(_PAGE.format(action=action, trouble=said), status, headers={"Cache-Control": "no-store"})


def _inside(path: str) -> str:
    """Only to a page of this console: a link must not lead from here to somewhere else."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
