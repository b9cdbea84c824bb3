"""Setting up, logging in and out, and who one is."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType
from quart import request
from werkzeug.http import dump_cookie

from farm.access.gate import PageSession, Tokens
from farm.domain.user import Role, Scope, User
from farm.web.access import Reach, reach_of
from farm.web.contract import Created, Done, Told
from farm.web.credentials import COOKIE, who_asks
from farm.web.routes import Call, Entry, Route

LOGS_IN = "it is about who is logged in, and an attempt counts as one"


class SetUp(msgspec.Struct, forbid_unknown_fields=True):
    """session: a page wants a cookie, a program tokens."""

    code: str
    username: str
    password: str
    session: bool = False


class LogIn(msgspec.Struct, forbid_unknown_fields=True):
    username: str
    password: str
    session: bool = False


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    current_password: str
    password: str


class Refresh(msgspec.Struct, forbid_unknown_fields=True):
    refresh_token: str


class Known(msgspec.Struct):
    """The person who logged in."""

    id: str
    username: str
    role: Role


class ProgramLogin(msgspec.Struct):
    """For a program. The access token is good for `expires_in` seconds, the refresh token for once."""

    access_token: str
    expires_in: int
    refresh_token: str
    user: Known
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  # it names the scheme


class PageLogin(msgspec.Struct):
    """For a page, beside its cookie. csrf_token: goes along with all that changes something."""

    csrf_token: str
    user: Known


class Me(Reach, kw_only=True):
    """Who asks. csrf_token: for a page that logged in with a cookie."""

    kind: str
    id: str
    name: str
    role: Role | None
    scopes: list[Scope]
    csrf_token: str | UnsetType = UNSET


async def set_up(call: Call, sent: SetUp) -> Created[ProgramLogin | PageLogin]:
    """Make the first administrator, with the code from the server's window."""
    login = await call.desk.gate.setup(
        sent.code, sent.username, sent.password, call.client, session=sent.session
    )
    return Created(*_logged_in(login))


async def log_in(call: Call, sent: LogIn) -> Told[ProgramLogin | PageLogin]:
    """Tokens for a program, a cookie for the page."""
    login = await call.desk.gate.login(sent.username, sent.password, call.client, session=sent.session)
    return Told(*_logged_in(login))


async def refresh(call: Call, sent: Refresh) -> ProgramLogin:
    """The next pair of tokens."""
    return _tokens(await call.desk.gate.refresh(sent.refresh_token, call.client))


async def log_out(call: Call, sent: Refresh | None) -> Done:
    """End the login the request shows; or, with its access token run out, the one of a refresh token."""
    secret = sent.refresh_token if sent else (await who_asks(call.desk.gate, request)).secret
    await call.desk.gate.logout(secret, call.client)
    return Done(None, {"Set-Cookie": dump_cookie(COOKIE, max_age=0, httponly=True, samesite="Strict")})


async def me(call: Call) -> Me:
    """Who the farm takes the asker for; a page learns its CSRF token here after it was loaded anew."""
    asker, csrf = call.asker, call.login.csrf if call.login is not None else None
    printers, tags = reach_of(asker.grant)
    return Me(
        kind=asker.kind,
        id=asker.id,
        name=asker.name,
        role=asker.role,
        scopes=sorted(asker.scopes),
        printers=printers,
        tags=tags,
        csrf_token=UNSET if csrf is None else csrf,
    )


async def change_password(call: Call, sent: NewPassword) -> Told[ProgramLogin | PageLogin]:
    """Change one's own password; all of one's logins end, and the answer is a new one."""
    page = call.login is not None and call.login.csrf is not None
    login = await call.desk.gate.change_own_password(
        call.asker, sent.current_password, sent.password, call.client, session=page
    )
    return Told(*_logged_in(login))


def _logged_in(login: Tokens | PageSession) -> tuple[ProgramLogin | PageLogin, dict[str, str]]:
    if isinstance(login, Tokens):
        return _tokens(login), {}
    return PageLogin(login.csrf, _known(login.user)), {"Set-Cookie": session_cookie(login)}


def session_cookie(login: PageSession) -> str:
    """The cookie of a page's login, which no script can read and no other site's page brings along."""
    return dump_cookie(
        COOKIE, login.cookie, httponly=True, samesite="Strict", secure=request.scheme == "https"
    )


def _tokens(login: Tokens) -> ProgramLogin:
    return ProgramLogin(login.access_token, login.expires_in_s, login.refresh_token, _known(login.user))


def _known(user: User) -> Known:
    return Known(user.id, user.username, user.role)


ROUTES = (
    Route("POST", "/v1/setup", set_up, Entry.PUBLIC, also=(401, 429), untried=LOGS_IN),
    Route("POST", "/v1/auth/login", log_in, Entry.PUBLIC, also=(401, 429), untried=LOGS_IN),
    Route("POST", "/v1/auth/refresh", refresh, Entry.PUBLIC, also=(401,), untried=LOGS_IN),
    Route("POST", "/v1/auth/logout", log_out, Entry.PUBLIC, also=(401, 403), untried=LOGS_IN),
    Route("POST", "/v1/auth/password", change_password, Entry.KNOWN, also=(429,), untried=LOGS_IN),
    Route("GET", "/v1/auth/me", me, Entry.KNOWN),
)
