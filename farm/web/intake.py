"""Reading what a client sends: piece by piece, no more than allowed, and not at any pace."""

from __future__ import annotations

import re
from typing import TypeVar, cast

import msgspec
import trio
from quart import Request

from farm.errors import FarmError, Invalid, TooLarge, WrongFileType
from farm.web.hypercorn_cures import Body

Shape = TypeVar("Shape")

MAX_JSON = 256 * 1024  # bytes; the longest thing anybody can say is a list of all printers
WINDOW_S = 20.0
LEAST_PER_WINDOW = 320 * 1024  # bytes, 16 KiB/s: a bad Wi-Fi does more
IDLE_S = 15.0  # without a single byte


_LIMIT = re.compile(r"Expected `(?P<kind>\w+)` (?P<length>of length )?(?P<side>[<>]=) (?P<limit>[\d.]+)")


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


async def read_json(request: Request, shape: type[Shape]) -> Shape:
    """The request's body as a `shape`.

    Raises Invalid naming the field, WrongFileType for a body that does not say it is JSON, TooLarge, TooSlow.
    """
    if request.mimetype != "application/json":
        raise WrongFileType("send JSON, with the header Content-Type: application/json")
    intake = Intake(request, MAX_JSON)
    body = bytearray()
    while piece := await intake.read():
        body += piece
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise invalid(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"this is not JSON: {error}") from error


def invalid(error: msgspec.ValidationError) -> Invalid:
    """In our words, with the field where msgspec only says it in its sentence."""
    sentence, _, path = str(error).partition(" - at `$")
    field = path.rstrip("`").lstrip(".")
    if "field `" in sentence:  # unknown or missing: what is named lies inside what the path names
        name = sentence.split("`")[1]
        field = f"{field}.{name}" if field else name
    what = _limit_in_words(sentence) or sentence[:1].lower() + sentence[1:]
    return Invalid(f"{field}: {what}" if field else what, field)


def _limit_in_words(sentence: str) -> str | None:
    """A number, text or list outside its limits, as one says it; None for anything else."""
    told = _LIMIT.fullmatch(sentence)
    if told is None:
        return None
    unit = "" if not told["length"] else " characters" if told["kind"] == "str" else " of them"
    return f"at {'most' if told['side'] == '<=' else 'least'} {float(told['limit']):g}{unit}"
