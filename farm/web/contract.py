"""What a route takes and answers, read from the signature of the function that answers it.

    async def add_job(call: Call, sent: NewJob) -> Created[shapes.Job]:
        \"\"\"Wish to print a file.\"\"\"

`sent` is the request's body and `query` what stands behind the question mark; every other parameter is
a part of the address. The body is decoded, the answer encoded and the API described from these types
alone, so that they cannot differ.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

import msgspec
from quart import Response

Shape = TypeVar("Shape")
Thing = TypeVar("Thing")

Answers: TypeAlias = Callable[..., Awaitable[Any]]
"""The function behind a route: from a call, and what its signature asks for, to an answer."""

PART = re.compile(r"<(?:\w+:)?(?P<name>\w+)>")
"""A part of an address that is filled in."""

RowNumber: TypeAlias = typing.Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""The number of a row, as somebody sends it back to us; SQLite numbers no further."""

SentMoment: TypeAlias = typing.Annotated[datetime, msgspec.Meta(tz=True)]
"""A time as somebody sends it: with its zone."""

BODY, QUERY = "sent", "query"


class Paging(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which part of a list: so many at most, after the place where the part before it ended (`next`)."""

    limit: typing.Annotated[int, msgspec.Meta(ge=1, le=500)] = 50
    cursor: typing.Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class Page(msgspec.Struct, Generic[Shape]):
    """A part of a list. next: the cursor for the part after it, null at the end."""

    items: list[Shape]
    next: str | None = None


def following(found: Sequence[Thing], limit: int, place: Callable[[Thing], str]) -> str | None:
    """The cursor after a page for which one thing more than asked for was looked up; None at the end."""
    return place(found[limit - 1]) if len(found) > limit else None


@dataclass(frozen=True, slots=True)
class Told(Generic[Shape]):
    """An answer with headers of its own. A shape alone is told with status 200 and none."""

    body: Shape
    headers: Mapping[str, str] = field(default_factory=dict)

    status: ClassVar[HTTPStatus] = HTTPStatus.OK
    may_have: ClassVar[Mapping[str, bool]] = {}  # headers, and whether it always has them


class Created(Told[Shape]):
    """Something new is there now."""

    status = HTTPStatus.CREATED
    may_have: ClassVar[Mapping[str, bool]] = {"Location": False}


class Versioned(Told[Shape]):
    """Something that can be changed; its ETag names what there is to change (`If-Match`)."""

    may_have: ClassVar[Mapping[str, bool]] = {"ETag": True}

    @classmethod
    def of(cls, shown: Shape, version: str) -> Versioned[Shape]:
        """The thing, and the name of its version."""
        return cls(shown, {"ETag": f'"{version}"'})


class Done(Told[None]):
    """It is done, and there is nothing to tell. Without headers of its own, None says the same."""

    status = HTTPStatus.NO_CONTENT


class Accepted(Told[Shape]):
    """It will be done; how it went is told by a fact."""

    status = HTTPStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class Sends:
    """Marks a Response that is no JSON. media: the types it may have. kept: a client may have it (304).

    parts: a client may ask for a part of it (206, and 416 where there is none).
    """

    media: tuple[str, ...]
    kept: bool = False
    parts: bool = False


@dataclass(frozen=True, slots=True)
class Is:
    """Marks a body whose type is put together while the farm starts: the annotation cannot name it."""

    shape: Any


@dataclass(frozen=True, slots=True)
class Contract:
    """What a route takes and answers.

    body: a type for msgspec, None for nothing. answers: by status, what the body may be: types for
    msgspec, or a Sends; empty for nothing. headers: by status, those it may have, and whether it always has.
    """

    summary: str
    details: str
    query: type[msgspec.Struct] | None
    body: Any
    body_needed: bool
    answers: Mapping[int, tuple[Any, ...]]
    headers: Mapping[int, Mapping[str, bool]]

    @classmethod
    def of(cls, rule: str, answer: Answers) -> Contract:
        """Read it. Raises TypeError for a function that does not say what it takes and answers."""
        words = inspect.getdoc(answer)
        if not words:
            raise TypeError(f"{rule}: {answer} says nothing about itself; give it a docstring")
        summary, _, details = words.partition("\n\n")
        hints = typing.get_type_hints(answer, include_extras=True)
        _check_parameters(rule, answer, hints)
        body = _body(hints.get(BODY))
        needed = body is not None and types.NoneType not in typing.get_args(body)
        answers, headers = _answers(rule, hints["return"])
        summary = " ".join(summary.split())
        return cls(summary, details.strip(), hints.get(QUERY), body, needed, answers, headers)


def describes_itself(answer: Answers) -> bool:
    """Whether the function has a contract. One that returns a bare Response speaks another's dialect."""
    plain = getattr(answer, "func", answer)
    return typing.get_type_hints(plain, include_extras=True).get("return") is not Response


def _body(hint: Any) -> Any:
    marks = getattr(hint, "__metadata__", ())
    return marks[0].shape if marks and isinstance(marks[0], Is) else hint


def _check_parameters(rule: str, answer: Answers, hints: Mapping[str, Any]) -> None:
    parts = {part["name"] for part in PART.finditer(rule)}
    first, *rest = inspect.signature(answer).parameters
    unknown = set(rest) - {BODY, QUERY} - parts
    if first != "call" or unknown or parts - set(rest):
        raise TypeError(f"{rule}: its function takes {first}, {', '.join(rest)}, which is not its address")
    missing = ({*rest} | {"return"}) - set(hints)
    if missing:
        raise TypeError(f"{rule}: say the types of {', '.join(sorted(missing))}")


def _answers(rule: str, hint: Any) -> tuple[dict[int, tuple[Any, ...]], dict[int, Mapping[str, bool]]]:
    answers: dict[int, tuple[Any, ...]] = {}
    headers: dict[int, Mapping[str, bool]] = {}
    for choice in _choices(hint):
        origin = typing.get_origin(choice) or choice
        if choice is types.NoneType:
            answers[HTTPStatus.NO_CONTENT] = ()
        elif origin is typing.Annotated:
            answers.update(_sent(choice.__metadata__[0]))
        elif isinstance(origin, type) and issubclass(origin, Told):
            answers[origin.status] = tuple(
                shape for told in typing.get_args(choice) for shape in _choices(told)
            )
            headers[origin.status] = origin.may_have
        elif isinstance(origin, type) and issubclass(origin, msgspec.Struct):
            answers[HTTPStatus.OK] = (choice,)
        else:
            raise TypeError(f"{rule}: it answers {choice}, which has no shape")
    return answers, headers


def _choices(hint: Any) -> tuple[Any, ...]:
    is_choice = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return typing.get_args(hint) if is_choice else (hint,)


def _sent(sends: Sends) -> dict[int, tuple[Any, ...]]:
    answers: dict[int, tuple[Any, ...]] = {HTTPStatus.OK: (sends,)}
    if sends.parts:
        answers[HTTPStatus.PARTIAL_CONTENT] = (sends,)
    if sends.kept:
        answers[HTTPStatus.NOT_MODIFIED] = ()
    return answers
