"""Setting up, logging in and out, people and their keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from quart import Response, request

from farm.access.gate import PageSession, Tokens
from farm.access.rights import Action
from farm.domain.clock import iso
from farm.domain.user import ApiKey, Grant, Role, Scope, User
from farm.errors import Invalid
from farm.store import audit
from farm.web.answers import answer, nothing
from farm.web.routes import COOKIE, Call, Entry, Route, row_number, who_asks

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


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


class Refresh(msgspec.Struct, forbid_unknown_fields=True):
    refresh_token: str


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    username: str
    password: str
    role: Role
    printers: frozenset[str] | None = None
    tags: frozenset[str] | None = None


class UserChange(msgspec.Struct, forbid_unknown_fields=True):
    """Only what is given changes. A grant is given whole, as `printers` and `tags` together."""

    role: Role | None = None
    enabled: bool | None = None
    password: str | None = None
    printers: frozenset[str] | msgspec.UnsetType | None = msgspec.UNSET
    tags: frozenset[str] | msgspec.UnsetType | None = msgspec.UNSET


class NewKey(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    scopes: frozenset[Scope]
    printers: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    target: str | None = None
    expires_at: Moment | None = None


async def set_up(call: Call) -> Response:
    """Make the first administrator, with the code from the server's window."""
    sent = await call.json(SetUp)
    login = await call.desk.gate.setup(
        sent.code, sent.username, sent.password, call.client, session=sent.session
    )
    return _logged_in(login, 201)


async def log_in(call: Call) -> Response:
    """Tokens for a program, a cookie for the page."""
    sent = await call.json(LogIn)
    login = await call.desk.gate.login(sent.username, sent.password, call.client, session=sent.session)
    return _logged_in(login, 200)


async def refresh(call: Call) -> Response:
    """The next pair of tokens."""
    sent = await call.json(Refresh)
    return _logged_in(await call.desk.gate.refresh(sent.refresh_token, call.client), 200)


async def log_out(call: Call) -> Response:
    """End the login the request shows; or, with its access token run out, the one of a refresh token."""
    if request.content_length:
        secret = (await call.json(Refresh)).refresh_token
    else:
        secret = (await who_asks(call.desk.gate, request)).secret
    await call.desk.gate.logout(secret, call.client)
    response = nothing()
    response.delete_cookie(COOKIE, httponly=True, samesite="Strict")
    return response


async def me(call: Call) -> Response:
    """Who the farm takes the asker for; a page learns its CSRF token here after it was loaded anew."""
    asker = call.asker
    shape = {
        "kind": asker.kind,
        "id": asker.id,
        "name": asker.name,
        "role": asker.role,
        "scopes": sorted(asker.scopes),
        **_grant(asker.grant),
    }
    if call.login is not None and call.login.csrf is not None:
        shape["csrf_token"] = call.login.csrf
    return answer(shape)


async def list_users(call: Call) -> Response:
    call.query()
    users = await call.desk.gate.list_users(call.asker)
    return answer({"items": [_user(user) for user in users], "next": None})


async def add_user(call: Call) -> Response:
    sent = await call.json(NewUser)
    user = await call.desk.gate.add_user(
        call.asker,
        sent.username,
        sent.password,
        sent.role,
        Grant(sent.printers, sent.tags),
        client=call.client,
    )
    return answer(_user(user), 201, {"Location": f"/v1/users/{user.id}"})


async def change_user(call: Call, user: str) -> Response:
    sent = await call.json(UserChange)
    gate = call.desk.gate
    if sent.password is not None:
        await gate.reset_password(call.asker, user, sent.password, client=call.client)
    changed = await gate.change_user(
        call.asker, user, role=sent.role, grant=_new_grant(sent), enabled=sent.enabled, client=call.client
    )
    return answer(_user(changed))


async def list_keys(call: Call) -> Response:
    call.query()
    keys = await call.desk.gate.list_keys(call.asker)
    return answer({"items": [_key(key) for key in keys], "next": None})


async def add_key(call: Call) -> Response:
    """The only answer that ever shows the key itself."""
    sent = await call.json(NewKey)
    key, text = await call.desk.gate.create_key(
        call.asker,
        sent.name,
        sent.scopes,
        Grant(sent.printers, sent.tags),
        sent.target,
        sent.expires_at,
        client=call.client,
    )
    return answer({"id": key.id, "key": text, **_key(key)}, 201)


async def revoke_key(call: Call, key: str) -> Response:
    await call.desk.gate.revoke_key(call.asker, key, client=call.client)
    return nothing()


async def read_audit(call: Call) -> Response:
    """Who changed what, newest first."""
    cursor, limit, _ = call.page()
    before = None if cursor is None else row_number(cursor, "cursor")
    found = await call.desk.gate.read_audit(call.asker, before, limit + 1)
    following = str(found[limit - 1].id) if len(found) > limit else None
    return answer({"items": [_entry(entry) for entry in found[:limit]], "next": following})


def _entry(entry: audit.Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": iso(entry.at),
        "who": entry.who,
        "action": entry.action,
        "object": entry.object,
        "detail": entry.detail,
        "client": entry.client,
    }


def _logged_in(login: Tokens | PageSession, status: int) -> Response:
    user = {"id": login.user.id, "username": login.user.username, "role": login.user.role}
    if isinstance(login, PageSession):
        response = answer({"csrf_token": login.csrf, "user": user}, status)
        response.set_cookie(
            COOKIE, login.cookie, httponly=True, samesite="Strict", secure=request.scheme == "https"
        )
        return response
    tokens = {
        "access_token": login.access_token,
        "token_type": "Bearer",
        "expires_in": login.expires_in_s,
        "refresh_token": login.refresh_token,
    }
    return answer({**tokens, "user": user}, status)


def _new_grant(sent: UserChange) -> Grant | None:
    given = [sent.printers, sent.tags]
    if given == [msgspec.UNSET, msgspec.UNSET]:
        return None
    if isinstance(sent.printers, msgspec.UnsetType) or isinstance(sent.tags, msgspec.UnsetType):
        raise Invalid("give printers and tags together; null means every one", "printers")
    return Grant(sent.printers, sent.tags)


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.username,
        "role": user.role,
        "enabled": user.enabled,
        "created_at": iso(user.created_at),
        **_grant(user.grant),
    }


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        **_grant(key.grant),
        "target": key.target,
        "created_by": key.created_by,
        "created_at": iso(key.created_at),
        "expires_at": _time(key.expires_at),
        "revoked_at": _time(key.revoked_at),
        "last_used_at": _time(key.last_used_at),
    }


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "printers": None if grant.printers is None else sorted(grant.printers),
        "tags": None if grant.tags is None else sorted(grant.tags),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


ROUTES = (
    Route("POST", "/v1/setup", set_up, Entry.PUBLIC),
    Route("POST", "/v1/auth/login", log_in, Entry.PUBLIC),
    Route("POST", "/v1/auth/refresh", refresh, Entry.PUBLIC),
    Route("POST", "/v1/auth/logout", log_out, Entry.PUBLIC),
    Route("GET", "/v1/auth/me", me, Entry.KNOWN),
    Route("GET", "/v1/users", list_users, Action.MANAGE_USERS),
    Route("POST", "/v1/users", add_user, Action.MANAGE_USERS),
    Route("PATCH", "/v1/users/<user>", change_user, Action.MANAGE_USERS),
    Route("GET", "/v1/keys", list_keys, Action.MANAGE_KEYS),
    Route("POST", "/v1/keys", add_key, Action.MANAGE_KEYS),
    Route("DELETE", "/v1/keys/<key>", revoke_key, Action.MANAGE_KEYS),
    Route("GET", "/v1/audit", read_audit, Action.READ_AUDIT),
)
