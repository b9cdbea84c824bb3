"""What a route is: an address, who may come, and a function from a call to an answer."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from quart import Response, request
from quart.wrappers.base import BaseRequestWebsocket

from farm.access.gate import Gate
from farm.access.keys import PREFIX, unknown_key
from farm.access.rights import Action, require
from farm.domain.user import ANONYMOUS, Principal
from farm.errors import Forbidden, Invalid, Unauthenticated
from farm.web.desk import Desk
from farm.web.intake import read_json

Shape = TypeVar("Shape")

COOKIE = "farm_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD"})
IN_ADDRESS = frozenset({"apikey", "api_key", "key", "token", "access_token", "password"})
PAGE, LONGEST_PAGE = 50, 500
LARGEST_ROW = 2**63 - 1  # SQLite numbers no further


class Entry(Enum):
    """Who may come through, where that hangs on no single right."""

    PUBLIC = "anybody"
    KNOWN = "whoever shows a credential that counts; the route asks for the right itself"


@dataclass(frozen=True, slots=True)
class Login:
    """What a request shows: an access token or API key, or a page's cookie with its CSRF token."""

    principal: Principal
    secret: str
    csrf: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a route. client: the address it comes from. login: None on public routes."""

    desk: Desk
    asker: Principal
    client: str
    login: Login | None = None

    async def json(self, shape: type[Shape]) -> Shape:
        """The body as a `shape`. Raises Invalid naming the field."""
        return await read_json(request, shape)

    def query(self, *known: str) -> Mapping[str, str]:
        """What stands behind the question mark. Raises Invalid for anything not `known`."""
        for name in request.args:
            if name not in known:
                raise Invalid(f"there is no {name} here; known: {', '.join(known) or 'none'}", name)
        return request.args.to_dict()

    def page(self, *filters: str) -> tuple[str | None, int, Mapping[str, str]]:
        """The cursor, the number of things asked for, and the filters. Raises Invalid."""
        query = dict(self.query("limit", "cursor", *filters))
        return query.pop("cursor", None), limit_of(query.pop("limit", str(PAGE))), query


Answer: TypeAlias = Callable[..., Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Route:
    """needs: the right to the farm as a whole that it takes, or an Entry. There is no default."""

    method: str
    rule: str
    answer: Answer
    needs: Action | Entry

    def view(self, desk: Desk) -> Callable[..., Awaitable[Response]]:
        """The function Quart calls for a request to this route."""

        async def view(**path: Any) -> Response:
            refuse_secrets_in(request)
            login = None if self.needs is Entry.PUBLIC else await who_asks(desk.gate, request)
            client = client_of(request)
            asker = replace(login.principal if login is not None else ANONYMOUS, client=client)
            if isinstance(self.needs, Action):
                require(asker, self.needs)
            return await self.answer(Call(desk, asker, client, login), **path)

        return view


def limit_of(text: str) -> int:
    """How many things a page may hold. Raises Invalid."""
    return whole_number(text, "limit", 1, LONGEST_PAGE)


def row_number(text: str, field: str) -> int:
    """A row's number that somebody sends back to us. Raises Invalid."""
    return whole_number(text, field, 0, LARGEST_ROW)


def whole_number(text: str, field: str, least: int, most: int) -> int:
    """What somebody wrote behind the question mark, as a number. Raises Invalid."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not (digits and least <= int(text) <= most):
        raise Invalid(f"{field} is a whole number from {least} to {most}", field)
    return int(text)


def client_of(asked: BaseRequestWebsocket) -> str:
    """The address a request comes from, never what one of its headers says."""
    client = asked.scope.get("client")
    return str(client[0]) if client else ""


def refuse_secrets_in(asked: BaseRequestWebsocket) -> None:
    """Raise Unauthenticated for credentials in an address: those end up in logs and histories."""
    for name in asked.args:
        if name.lower() in IN_ADDRESS:
            raise Unauthenticated(
                f"the {name} stands in the address, where logs keep it; send it in the header X-Api-Key"
            )


async def who_asks(gate: Gate, asked: BaseRequestWebsocket) -> Login:
    """Who stands behind a request. Raises Unauthenticated; Forbidden for a page without its CSRF token."""
    secret = _shown(asked)
    if secret:
        return Login(await gate.authenticate(secret), secret)
    cookie = asked.cookies.get(COOKIE)
    if not cookie:
        raise Unauthenticated("log in, or send an API key in the header X-Api-Key")
    principal, csrf = await gate.authenticate_session(cookie)
    if asked.method not in SAFE and not _same(asked.headers.get(CSRF_HEADER, ""), csrf):
        raise Forbidden(f"the page did not send its {CSRF_HEADER} along; load it anew")
    return Login(principal, cookie, csrf)


def _shown(asked: BaseRequestWebsocket) -> str:
    """The access token or API key in the headers, "" without one. Raises Unauthenticated for no key."""
    kind, _, token = asked.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return token.strip()
    key = asked.headers.get("X-Api-Key", "").strip()
    if key and not key.startswith(PREFIX):  # or a typing error would be taken for an access token
        raise unknown_key()
    return key


def _same(sent: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(sent.encode(), expected.encode())
