"""Who we are to a Moonraker that wants a user instead of a key. No I/O, no clock.

A password opens a session: a token that is good for an hour, and another that gets the next one. Before a
password is sent, whoever is there has to show that it is a Moonraker.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from farm.drivers.exchange import Answer, Request, json_request
from farm.drivers.moonraker.protocol.api import reason, result
from farm.drivers.values import text_of
from farm.errors import Forbidden, ProtocolError

GOOD_FOR_S = 3000.0  # of a token; Moonraker says an hour


@dataclass(frozen=True, slots=True)
class Session:
    """What a password opened; both are secrets."""

    token: str = field(repr=False)
    renewal: str = field(repr=False)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def about() -> Request:
    """Open to everybody."""
    return Request("GET", "/access/info")


def log_in(username: str, password: str) -> Request:
    return json_request("POST", "/access/login", {"username": username, "password": password})


def renew(session: Session) -> Request:
    return json_request("POST", "/access/refresh_jwt", {"refresh_token": session.renewal})


def require_moonraker(answer: Answer) -> None:
    """Raises ProtocolError unless a Moonraker tells how one logs in there."""
    if "default_source" not in result(answer):
        raise ProtocolError("This is no Moonraker: it does not tell how one logs in.")


def opened(answer: Answer) -> Session:
    """The session that a password opened. Raises Forbidden when it is not taken."""
    if answer.status in (400, 401, 403):
        raise Forbidden(f"Moonraker does not take this user and password: {reason(answer)}")
    found = result(answer)
    return Session(_token(found.get("token")), _token(found.get("refresh_token")))


def renewed(answer: Answer, session: Session) -> Session | None:
    """The session with its next token; None where it has ended, and the password is wanted again."""
    if answer.status in (400, 401, 403):
        return None
    return Session(_token(result(answer).get("token")), session.renewal)


def _token(value: object) -> str:
    token = text_of(value)
    if not isinstance(value, str) or not (value.isascii() and value.isprintable() and token):
        raise ProtocolError("Moonraker opened no session for the password.")
    return value
