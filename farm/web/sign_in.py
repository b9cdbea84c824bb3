"""Setting up and logging in with a plain form: the way in that needs no script.

A good answer leads on to the farm with the session's cookie; any other shows the form again and says why.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast
from urllib.parse import parse_qsl

from quart import Response, request

from farm.access.gate import PageSession
from farm.errors import FarmError, Forbidden, Invalid
from farm.web import answers, pages
from farm.web.credentials import is_from_elsewhere
from farm.web.intake import Intake
from farm.web.login import session_cookie
from farm.web.routes import Call, Entry, Route

MAX_FORM = 8 * 1024  # bytes; a password has at most 1024


async def log_in(call: Call) -> Response:
    """The form of the page /login."""

    async def enter(fields: dict[str, str]) -> PageSession:
        name, password = fields.get("username", ""), fields.get("password", "")
        return cast(PageSession, await call.desk.gate.login(name, password, call.client, session=True))

    return await _enter("login.html", enter)


async def set_up(call: Call) -> Response:
    """The form of the page /setup."""

    async def enter(fields: dict[str, str]) -> PageSession:
        code, name, password = (fields.get(field, "") for field in ("code", "username", "password"))
        made = await call.desk.gate.setup(code, name, password, call.client, session=True)
        return cast(PageSession, made)

    return await _enter("setup.html", enter)


async def _enter(page: str, enter: Callable[[dict[str, str]], Awaitable[PageSession]]) -> Response:
    fields: dict[str, str] = {}
    try:
        _require_our_own_page()
        fields = await _fields()
        login = await enter(fields)
    except FarmError as problem:
        status = answers.status_of(problem)
        if status is None:
            raise
        return pages.form(page, status, str(problem), fields.get("username", ""))
    response = pages.elsewhere("/")
    response.headers["Set-Cookie"] = session_cookie(login)
    return response


def _require_our_own_page() -> None:
    """Raises Forbidden: another page could log people in as somebody else and watch what they print."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if is_from_elsewhere(request) or site not in ("same-origin", "none"):
        raise Forbidden("this form was sent from another page; open the farm's own and try again")


async def _fields() -> dict[str, str]:
    """The form's fields. Raises Invalid, TooLarge, TooSlow."""
    if request.mimetype != "application/x-www-form-urlencoded":
        raise Invalid("send the form as the page has it")
    intake = Intake(request, MAX_FORM)
    body = bytearray()
    while piece := await intake.read():
        body += piece
    try:
        return dict(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=8)
        )
    except ValueError as error:  # UnicodeDecodeError is one
        raise Invalid("this form cannot be read; load the page anew") from error


ROUTES = (
    Route("POST", "/login", log_in, Entry.PUBLIC),
    Route("POST", "/setup", set_up, Entry.PUBLIC),
)
