"""Reading what a client sends: piece by piece, no more than allowed, and not at any pace."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import trio
from quart import Request
from werkzeug.datastructures import MultiDict

from farm.domain import misshapen
from farm.errors import FarmError, Invalid, TooLarge, WrongFileType
from farm.web.request_cures import Body

MAX_JSON = 256 * 1024  # bytes; the longest thing anybody can say is a list of all printers
WINDOW_S = 20.0
LEAST_PER_WINDOW = 320 * 1024  # bytes, 16 KiB/s: a bad Wi-Fi does more
IDLE_S = 15.0  # without a single byte


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No fields at all."""


class TooSlow(FarmError):
    """The client sends so slowly that it keeps the place of others."""


class Intake:
    """The body of one request. Only time spent waiting for the client counts against it."""

    def __init__(self, request: Request, limit: int) -> None:
        """limit: the most bytes it may have. Raises TooLarge when more is declared."""
        self._limit = limit
        self._body = cast(Body, request.body)
        self._taken = 0
        self._waited_s = 0.0  # in the present window
        self._in_window = 0
        self._require_small(request.content_length or 0)

    async def read(self) -> bytes:
        """The next piece; b"" at the end. Raises TooLarge, TooSlow."""
        began = trio.current_time()
        piece = b""
        with trio.move_on_after(min(IDLE_S, WINDOW_S - self._waited_s)) as scope:
            piece = await anext(self._body, b"")
        waited_s = trio.current_time() - began
        if scope.cancelled_caught and waited_s >= IDLE_S:
            raise TooSlow(f"nothing came for {IDLE_S:.0f} s, so the transfer was ended; send it again")
        self._count(len(piece), waited_s)
        if scope.cancelled_caught:
            return await self.read()
        return piece

    def _count(self, size: int, waited_s: float) -> None:
        self._taken += size
        self._require_small(self._taken)
        self._waited_s += waited_s
        self._in_window += size
        if self._waited_s < WINDOW_S:
            return
        if self._in_window < LEAST_PER_WINDOW:
            raise TooSlow(
                f"the transfer was slower than {LEAST_PER_WINDOW / WINDOW_S / 1024:.0f} KiB/s and was ended; "
                "send it again over a better connection"
            )
        self._waited_s, self._in_window = 0.0, 0

    def _require_small(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge(f"more than the {self._limit / 1_000_000:g} MB this farm takes")


def as_json_of(request: Request, body: bytes, shape: Any, *, needed: bool = True) -> Any:
    """The request's body as a `shape`; None where there is none and none is needed.

    shape: None takes no body, or an empty object. Raises Invalid naming the field, WrongFileType for a
    body that does not say it is JSON.
    """
    if not body and (shape is None or not needed):
        return None
    if request.mimetype != "application/json":
        raise WrongFileType("send JSON, with the header Content-Type: application/json")
    return decoded(body, Nothing if shape is None else shape)


async def read_all(request: Request) -> bytes:
    """The whole body, which is small. Raises TooLarge, TooSlow."""
    intake = Intake(request, MAX_JSON)
    body = bytearray()
    while piece := await intake.read():
        body += piece
    return bytes(body)


def decoded(body: bytes, shape: Any) -> Any:
    """JSON as a `shape`. Raises Invalid naming the field."""
    try:
        value = msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise misshapen.invalid(error, shape, _anything(body)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"this is not JSON: {error}") from error
    _check_times(value)
    return value


def _anything(body: bytes) -> Any:
    """What was sent, whatever it is; None where it cannot be read to its end."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_query(sent: MultiDict[str, str], shape: type[msgspec.Struct] | None) -> Any:
    """What stands behind the question mark as a `shape`, None if there is none. Raises Invalid."""
    for name in sent:
        if len(sent.getlist(name)) > 1:
            raise Invalid(f"{name} is given more than once", name)
    wanted, given = Nothing if shape is None else shape, sent.to_dict()
    try:
        query = msgspec.convert(given, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise misshapen.invalid(error, wanted, given, as_text=True) from error
    _check_times(query)
    return None if shape is None else query


def _check_times(value: Any, field: str = "") -> None:
    """Raise Invalid for a time, however deep inside, that lies outside the calendar as seen from UTC."""
    if isinstance(value, datetime):
        try:
            value.astimezone(UTC)
        except OverflowError as error:
            raise Invalid(f"{field}: no clock will ever show this time", field) from error
    elif isinstance(value, list):
        for number, item in enumerate(value):
            _check_times(item, f"{field}[{number}]")
    elif isinstance(value, msgspec.Struct):
        for name, told in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            _check_times(getattr(value, name), f"{field}.{told}" if field else told)
