"""What a request shows of who sends it: an access token, an API key, or a page's cookie."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from quart.wrappers.base import BaseRequestWebsocket

from farm.access.gate import Gate
from farm.access.keys import PREFIX, unknown_key
from farm.domain.user import Principal
from farm.errors import Forbidden, Unauthenticated

COOKIE = "farm_session"
CSRF_HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD"})
IN_ADDRESS = frozenset({"apikey", "api_key", "key", "token", "access_token", "password"})


@dataclass(frozen=True, slots=True)
class Login:
    """What a request shows: an access token or API key, or a page's cookie with its CSRF token."""

    principal: Principal
    secret: str
    csrf: str | None = None


def client_of(asked: BaseRequestWebsocket) -> str:
    """The address a request comes from, never what one of its headers says."""
    client = asked.scope.get("client")
    return str(client[0]) if client else ""


def is_from_elsewhere(asked: BaseRequestWebsocket) -> bool:
    """Whether a browser says that somebody else's page sends this. Programs name no page.

    Browsers let no page forge the Origin; whoever is no browser may write anything there.
    """
    origin = asked.headers.get("Origin")
    if origin is None:
        return False
    host = origin.partition("://")[2]  # "null" has none
    return not host or host.lower() != asked.headers.get("Host", "").lower()


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
