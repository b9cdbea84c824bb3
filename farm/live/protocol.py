"""What is said on the live socket: a client's text in, a request out; events in, frames out. Pure.

A frame is one JSON object. `prev` of a fact is the seq of the last fact this connection was sent, null
for its first one, so that a client sees by itself when one is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec

from farm.domain import misshapen
from farm.domain.clock import iso
from farm.domain.event import Fact

MAX_FRAME = 64 * 1024  # characters from a client; an access token and 200 rooms have about 8,000
MAX_ROOMS = 1000  # in one request: every printer of the largest farm, and the rooms beside them
MOST_IN_FRAME = 64  # events; some 30 kB, which a phone on shop Wi-Fi takes within a second
_SHOWN = 40  # characters of an unknown op or room that are repeated in an answer
_MOST_NAMED = 10  # refused rooms named in one sentence

_Room = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Rooms = Annotated[list[_Room], msgspec.Meta(min_length=1, max_length=MAX_ROOMS)]


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op"):
    pass


class Auth(_Request, frozen=True, tag="auth"):
    """Who is asking. token: an access token or an API key."""

    token: str


class Since(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last fact a client has seen, and of which history."""

    epoch: str
    seq: Annotated[int, msgspec.Meta(ge=0)]


class Subscribe(_Request, frozen=True, tag="subscribe"):
    """Hear these rooms. since: the last fact it saw on an earlier connection."""

    rooms: _Rooms
    since: Since | None = None


class Unsubscribe(_Request, frozen=True, tag="unsubscribe"):
    """Hear these rooms no more."""

    rooms: _Rooms


class Configure(_Request, frozen=True, tag="configure"):
    """batch_delay_ms: for how long events are gathered, in milliseconds."""

    batch_delay_ms: Literal[0, 50, 250, 1000]


class _Command(_Request, frozen=True, tag="command", forbid_unknown_fields=False):
    printer: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    ref: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class Ping(_Request, frozen=True, tag="ping"):
    """Answered with a pong."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that is no request. op: what it claims to be, None where not even that is clear."""

    op: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Command:
    """Tell a printer something. ref: the client's own word for it, which comes back with the answer.

    body: the other fields, which are those that the command has over HTTP.
    """

    printer: str
    ref: str | None
    body: bytes


Request: TypeAlias = Auth | Subscribe | Unsubscribe | Configure | Command | Ping


class _Claimed(msgspec.Struct):
    op: str


_Sent: TypeAlias = Auth | Subscribe | Unsubscribe | Configure | _Command | Ping
_REQUESTS: msgspec.json.Decoder[_Sent] = msgspec.json.Decoder(_Sent)
_CLAIMED = msgspec.json.Decoder(_Claimed)
_OPS = ("auth", "subscribe", "unsubscribe", "configure", "command", "ping")
# A frame can hold lone surrogates (UnicodeEncodeError) and brackets nested without end (RecursionError).
_NOT_JSON = (msgspec.MsgspecError, UnicodeEncodeError, RecursionError)


def parse(message: str | bytes) -> Request | Unreadable:
    """What a client wants."""
    if isinstance(message, bytes):
        return Unreadable(None, "send text, one JSON object a message; this was binary")
    if len(message) > MAX_FRAME:
        return Unreadable(None, f"a message has at most {MAX_FRAME} characters; this had {len(message)}")
    try:
        request = _REQUESTS.decode(message)
        return _command(request, message) if isinstance(request, _Command) else request
    except _NOT_JSON as problem:
        return _unreadable(message, problem)


def _command(request: _Command, message: str) -> Command:
    fields = msgspec.json.decode(message, type=dict[str, msgspec.Raw])
    body = {name: value for name, value in fields.items() if name not in ("op", "printer", "ref")}
    return Command(request.printer, request.ref, msgspec.json.encode(body))


def _unreadable(message: str, problem: Exception) -> Unreadable:
    try:
        op = _CLAIMED.decode(message).op
    except _NOT_JSON:
        return Unreadable(None, 'send one JSON object a message, like {"op":"ping"}')
    if op not in _OPS:
        return Unreadable(op[:_SHOWN], f"unknown op; known are {', '.join(_OPS)}")
    if isinstance(problem, msgspec.ValidationError):
        problem = misshapen.invalid(problem, _Sent, msgspec.json.decode(message))
    return Unreadable(op, str(problem)[:200])


# -- frames ------------------------------------------------------------------------------------


def welcome(epoch: str, seq: int) -> str:
    """The client is known; the history of facts stands at `seq`."""
    return _frame({"type": "welcome", "epoch": epoch, "seq": seq})


def configured(batch_delay_ms: int) -> str:
    """From now on events are gathered for so long."""
    return _frame({"type": "configured", "batch_delay_ms": batch_delay_ms})


def snapshot(room: str, epoch: str, seq: int, at: datetime, data: Any, reason: str | None = None) -> str:
    """What the room holds at fact number `seq`. reason: why it is not told what it missed instead."""
    why = {} if reason is None else {"reason": reason}
    shape = {"type": "snapshot", "room": room, "epoch": epoch, "seq": seq, "at": iso(at), **why, "data": data}
    return _frame(shape)


def replay(rooms: Sequence[str], epoch: str, since: int, seq: int, replayed: int) -> str:
    """All facts of these rooms after number `since` up to `seq` were sent, `replayed` of them.

    Said when they were, so that whoever is cut off in between does not believe to have them all.
    """
    numbers = {"epoch": epoch, "since": since, "seq": seq, "replayed": replayed}
    return _frame({"type": "replay", "rooms": rooms, **numbers})


def fact(fact: Fact) -> str:
    """A fact without its `prev`, the same for every client."""
    return _frame(
        {"type": fact.type, "seq": fact.seq, "rooms": fact.rooms, "at": iso(fact.at), "data": fact.data}
    )


def with_prev(text: str, prev: int | None) -> str:
    """The fact `text` as the one connection gets it that was sent fact `prev` before."""
    return f'{text[:-1]},"prev":{"null" if prev is None else prev}}}'


def encoded(data: Any) -> msgspec.Raw:
    """`data` as it goes into several frames."""
    return msgspec.Raw(as_json(data))


def with_field(shape: msgspec.Raw, name: str, value: msgspec.Raw) -> msgspec.Raw:
    """`shape`, which has fields already, with one more at its end."""
    return msgspec.Raw(b'%b,"%b":%b}' % (bytes(shape)[:-1], name.encode(), bytes(value)))


def state(type: str, room: str, at: datetime, data: msgspec.Raw) -> str:
    """The newest state of something in `room`."""
    return _frame({"type": type, "room": room, "at": iso(at), "data": data})


def batches(events: Sequence[str]) -> list[str]:
    """Facts and states in as few frames as they fit into; one alone goes as it is."""
    return [_batch(events[at : at + MOST_IN_FRAME]) for at in range(0, len(events), MOST_IN_FRAME)]


def _batch(events: Sequence[str]) -> str:
    if len(events) == 1:
        return events[0]
    return f'{{"type":"batch.update","events":[{",".join(events)}]}}'


def pong() -> str:
    """The answer to a ping."""
    return '{"type":"pong"}'


def error(op: str | None, detail: str, **more: Any) -> str:
    """The answer to a request that cannot be done, and why."""
    return _frame({"type": "error", "op": op, "detail": detail, **more})


def accepted(op: str, **more: Any) -> str:
    """The answer to a request that is being carried out."""
    return _frame({"type": "accepted", "op": op, **more})


def refused(rooms: Sequence[str]) -> str:
    """The answer for rooms that are not there, or not this client's to hear: nobody is told which."""
    named = ", ".join(room[:_SHOWN] for room in rooms[:_MOST_NAMED])
    rest = f" and {len(rooms) - _MOST_NAMED} more" if len(rooms) > _MOST_NAMED else ""
    return error("subscribe", f"no such room, or not yours to hear: {named}{rest}", rooms=rooms)


def _frame(shape: Mapping[str, Any]) -> str:
    return as_json(shape).decode()


def as_json(shape: Any) -> bytes:
    """Anything made of shapes as JSON; half a character, in words that some printer's host sent, is `?`."""
    try:
        return msgspec.json.encode(shape)
    except UnicodeEncodeError:
        mended = json.dumps(msgspec.to_builtins(shape), ensure_ascii=False).encode(errors="replace")
        return msgspec.json.encode(json.loads(mended))
