"""What is wrong with something that was sent, in words that name the field and the nearest known one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import inspect

from farm.errors import Invalid

MOST_NAMED = 25  # known names in one sentence; commands have 15

_AT = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`)?", re.DOTALL)
_NAME = re.compile(r"Invalid enum value '(?P<name>.*)'", re.DOTALL)
_STEP = re.compile(r"\.(?P<field>[^.\[\]]+)|\[(?P<item>\d+|\.\.\.)\]")
_NAMED = re.compile(r"Object (?P<problem>contains unknown|missing required) field `(?P<name>.*)`", re.DOTALL)
_LIMIT = re.compile(r"Expected `(?P<kind>\w+)` (?P<length>of length )?(?P<side>[<>]=?) (?P<limit>[\d.]+)")
_KIND = re.compile(r"Expected `(?P<expected>[^`]+)`(?:, got `(?P<got>[^`]+)`)?")
_ONE_OF = ("Invalid enum value", "Invalid value")
_DAY = "Invalid RFC3339 encoded date"
_TIME = ("Invalid RFC3339 encoded datetime", "Expected `datetime` with")

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "a time",
    "date": "a day",
}


def invalid(error: msgspec.ValidationError, shape: Any, sent: Any, *, as_text: bool = False) -> Invalid:
    """What msgspec has against `sent`, which should have been a `shape`.

    as_text: whether all of it was sent as text, as in an address: then nobody can send null, or a number.
    """
    told = _AT.fullmatch(str(error))
    what, path = (told["what"], told["path"] or "") if told else (str(error), "")
    field, found = path.lstrip("."), _walk(shape, sent, path)
    key = _NAME.fullmatch(what) if told and told["key"] else None
    if key:
        way = f"{field}.{key['name']}" if field else key["name"]
        return unknown(way, key["name"], [name for kind in found for name in _keys(kind)])
    named = _NAMED.fullmatch(what)
    if named:
        field = f"{field}.{named['name']}" if field else named["name"]
        if named["problem"] == "missing required":
            return _missing(field, [inner for kind in found for inner in _inner(kind, named["name"])])
        return unknown(field, named["name"], [name for kind in found for name in _fields(kind)])
    sentence = _sentence(what, found, as_text)
    return Invalid(f"{field}: {sentence}" if field else sentence, field)


def _missing(field: str, found: Iterable[inspect.Type]) -> Invalid:
    values = [value for kind in found for value in _values(kind)]
    return Invalid(f"{field} is missing" + (f"; it is one of {', '.join(values)}" if values else ""), field)


def unknown(field: str, name: str, known: Iterable[str]) -> Invalid:
    """There is no such field. field: the whole way to it; name: its last part; known: those there are."""
    names = list(dict.fromkeys(known))
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return Invalid(f"there is no {field}; did you mean {close[0]}?", field)
    shown = ", ".join(names[:MOST_NAMED]) or "none"
    return Invalid(f"there is no {field}; known here: {shown}", field)


def _sentence(what: str, found: Iterable[inspect.Type], as_text: bool) -> str:
    if what == _DAY:
        return "a day, like 2026-01-31"
    if what.startswith(_TIME):
        return "a time with its zone, like 2026-01-31T08:00:00Z"
    if what.startswith(_ONE_OF):
        return f"one of {', '.join(value for kind in found for value in _values(kind))}"
    limit = _LIMIT.fullmatch(what)
    if limit:
        return _limit(limit)
    kind = _KIND.fullmatch(what)
    if kind:
        got = f", not {_kind(kind['got'])}" if kind["got"] and not as_text else ""
        if kind["got"] == "float":
            got = ", without a fraction"
        names = [name for name in kind["expected"].split(" | ") if not (as_text and name == "null")]
        return " or ".join(map(_kind, names)) + got
    return what[:1].lower() + what[1:]


def _limit(told: re.Match[str]) -> str:
    limit = float(told["limit"])
    unit = "" if not told["length"] else " character" if told["kind"] == "str" else " of them"
    if unit == " character" and limit != 1:
        unit += "s"
    sides = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
    number = f"{limit:.0f}" if limit.is_integer() else f"{limit:g}"
    return f"{sides[told['side']]} {number}{unit}"


def _kind(name: str) -> str:
    return _KINDS.get(name, name)


# -- which part of the shape is meant --------------------------------------------------------------


def _walk(shape: Any, sent: Any, path: str) -> list[inspect.Type]:
    """The types that may stand where `path` leads; several where the shape leaves a choice."""
    found = list(_choices(inspect.type_info(shape), sent))
    for step in _STEP.finditer(path):
        sent = _inside(sent, step["field"] or step["item"])
        found = [
            choice
            for kind in found
            for inner in _inner(kind, step["field"])
            for choice in _choices(inner, sent)
        ]
    return found


def _choices(kind: inspect.Type, sent: Any) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _choices(kind.type, sent)
    elif isinstance(kind, inspect.UnionType):
        choices = [choice for one in kind.types for choice in _choices(one, sent)]
        meant = [choice for choice in choices if _is_tagged(choice, sent)]
        yield from meant or choices
    else:
        yield kind


def _is_tagged(kind: inspect.Type, sent: Any) -> bool:
    return (
        isinstance(kind, inspect.StructType)
        and kind.tag_field is not None
        and isinstance(sent, dict)
        and sent.get(kind.tag_field) == kind.tag
    )


def _inner(kind: inspect.Type, field: str | None) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType) and field is not None:
        if field == kind.tag_field:
            yield inspect.LiteralType((kind.tag,))
        yield from (known.type for known in kind.fields if known.encode_name == field)
    elif isinstance(kind, inspect.DictType):
        yield kind.value_type
    elif isinstance(kind, (inspect.CollectionType, inspect.VarTupleType)):
        yield kind.item_type


def _inside(sent: Any, step: str) -> Any:
    if isinstance(sent, dict):
        return sent.get(step)
    if isinstance(sent, list) and step.isdigit() and int(step) < len(sent):
        return sent[int(step)]
    return None


def _fields(kind: inspect.Type) -> list[str]:
    if not isinstance(kind, inspect.StructType):
        return []
    tag = [kind.tag_field] if kind.tag_field else []
    return [*tag, *(field.encode_name for field in kind.fields)]


def _keys(kind: inspect.Type) -> list[str]:
    return _values(kind.key_type) if isinstance(kind, inspect.DictType) else []


def _values(kind: inspect.Type) -> list[str]:
    if isinstance(kind, inspect.EnumType):
        return [str(member.value) for member in kind.cls]
    return [str(value) for value in kind.values] if isinstance(kind, inspect.LiteralType) else []
