"""What is wrong with a request, said so that it can be mended."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct
from werkzeug.datastructures import MultiDict

from farm.errors import Invalid
from farm.web.contract import Paging
from farm.web.intake import decoded, read_query


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct, forbid_unknown_fields=True):
    number: int = 0


class Stop(Struct, tag_field="command", tag="stop", forbid_unknown_fields=True):
    pass


class Move(Struct, tag_field="command", tag="move", forbid_unknown_fields=True):
    lines: Annotated[list[Annotated[str, Meta(max_length=3)]], Meta(max_length=2)] = []


class Wish(Struct, forbid_unknown_fields=True):
    name: str
    copies: Annotated[int, Meta(ge=1, le=500)] = 1
    colour: Colour | None = None
    hold: bool = False
    due_at: Annotated[datetime, Meta(tz=True)] | None = None
    inner: Inner | None = None
    several: dict[str, Inner] = {}
    colours: frozenset[Colour] = frozenset()
    counts: dict[Colour, int] = {}
    day: date | None = None
    most: Annotated[int, Meta(le=31_622_400)] = 0
    side: Literal["left", "right"] = "left"
    command: Stop | Move | None = None


@pytest.mark.parametrize(
    ("more", "field", "words"),
    [
        ('"coppies": 2', "coppies", "there is no coppies; did you mean copies?"),
        ('"inner": {"nmber": 1}', "inner.nmber", "there is no inner.nmber; did you mean number?"),
        ('"several": {"a": {"x": 1}}', "several[...].x", "there is no several[...].x; known here: number"),
        ('"copies": 0', "copies", "copies: at least 1"),
        ('"copies": 1.5', "copies", "copies: a whole number, without a fraction"),
        ('"copies": "two"', "copies", "copies: a whole number, not text"),
        ('"copies": null', "copies", "copies: a whole number, not null"),
        ('"hold": 1', "hold", "hold: true or false, not a whole number"),
        ('"colour": "green"', "colour", "colour: one of red, blue"),
        ('"colours": ["green"]', "colours[0]", "colours[0]: one of red, blue"),
        ('"counts": {"rde": 1}', "counts.rde", "there is no counts.rde; did you mean red?"),
        ('"counts": {"green": 1}', "counts.green", "there is no counts.green; known here: red, blue"),
        ('"side": "top"', "side", "side: one of left, right"),
        ('"day": "2026-02-30"', "day", "day: a day, like 2026-01-31"),
        ('"day": 7', "day", "day: a day or null, not a whole number"),
        ('"most": 1e9', "most", "most: a whole number, without a fraction"),
        ('"most": 99999999', "most", "most: at most 31622400"),
        ('"due_at": "2026-01-01T00:00:00"', "due_at",
         "due_at: a time with its zone, like 2026-01-31T08:00:00Z"),
        ('"due_at": "0001-01-01T00:00:00+14:00"', "due_at", "due_at: no clock will ever show this time"),
        ('"inner": 5', "inner", "inner: an object or null, not a whole number"),
        ('"command": {"command": "mov"}', "command.command", "command.command: one of stop, move"),
        ('"command": {}', "command.command", "command.command is missing; it is one of stop, move"),
        ('"command": {"command": "move", "line": []}', "command.line",
         "there is no command.line; did you mean lines?"),
        ('"command": {"command": "stop", "lines": []}', "command.lines",
         "there is no command.lines; known here: command"),
        ('"command": {"command": "move", "lines": ["long"]}', "command.lines[0]",
         "command.lines[0]: at most 3 characters"),
        ('"command": {"command": "move", "lines": ["a", "b", "c"]}', "command.lines",
         "command.lines: at most 2 of them"),
    ],
)  # fmt: skip
def test_wrong_field_is_named_with_what_it_should_be(more, field, words):
    with pytest.raises(Invalid) as problem:
        decoded(b'{"name": "x", %s}' % more.encode(), Wish)

    assert (problem.value.field, str(problem.value)) == (field, words)


def test_missing_field_is_named():
    with pytest.raises(Invalid, match="name is missing") as problem:
        decoded(b"{}", Wish)

    assert problem.value.field == "name"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ([("limit", "0")], "limit"),
        ([("limit", "501")], "limit"),
        ([("limit", "x")], "limit"),
        ([("cursor", "")], "cursor"),
        ([("cursor", "a"), ("cursor", "b")], "cursor"),
        ([("limt", "5")], "limt"),
    ],
)
def test_wrong_parameter_is_named(sent, field):
    with pytest.raises(Invalid) as problem:
        read_query(MultiDict(sent), Paging)

    assert problem.value.field == field


NASTY = [b"[" * 5000, b'"\\ud800"', b"\xff", b"1e999"]


@given(st.binary() | st.text().map(str.encode) | st.sampled_from(NASTY))
def test_whatever_is_sent_is_read_or_refused_in_words(body):
    assert read_or_refused(body)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_json_is_read_or_refused_in_words(value):
    assert read_or_refused(msgspec.json.encode(value))


def read_or_refused(body):
    """The wish, or the words why there is none; whatever else is raised fails the test."""
    try:
        return decoded(body, Wish)
    except Invalid as problem:
        return str(problem)


class Question(Struct, forbid_unknown_fields=True):
    step: int | None = None
    name: Annotated[str, Meta(min_length=1)] | None = None
    since: date | None = None


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("step", "ten", "step: a whole number"),
        ("name", "", "name: at least 1 character"),
        ("since", "yesterday", "since: a day, like 2026-01-31"),
    ],
)
def test_of_an_address_which_is_all_text_nothing_else_is_asked(field, text, words):
    with pytest.raises(Invalid) as caught:
        read_query(MultiDict({field: text}), Question)
    assert str(caught.value) == words
    assert caught.value.field == field
