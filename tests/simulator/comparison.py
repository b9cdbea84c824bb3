"""What differs between two talks with an OctoPrint, a sentence each: keys, types, words, order, rhythm."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.simulator.conversation import Told

CHANCE = {"uuid", "session", "_credentials_seen", "date", "time", "serverTime", "plugin_hash", "config_hash"}
"""Fields whose value is another one each time; their type still has to be the same."""
BY_THE_CLOCK = {"temps", "history", "markings", "logs", "messages"}
"""Lists that may be empty at one moment and not at another."""
EXACT_NUMBERS = {"size", "success", "failure", "target", "status", "baudrate", "offset"}
PICTURES = ("history", "current")
TIMING_TOLERANCE_S, PUSHES_TOLERANCE = 0.15, 1

Json = Any


def differences(real: Told, ours: Told) -> Iterator[str]:
    """Where our talk differs from the real one: `place: what`, the place such as `upload/body.done`."""
    yield from _answers(real.answers, ours.answers)
    yield from _events(real.pushed, ours.pushed)
    for situation, messages in real.pushed.items():
        yield from _messages(situation, messages, ours.pushed.get(situation, []))
    for name, figure in real.figures.items():
        tolerance = PUSHES_TOLERANCE if name.startswith("pushes") else TIMING_TOLERANCE_S
        if abs(ours.figures.get(name, -1) - figure) > tolerance:
            yield f"figures/{name}: another figure"


def unlisted(found: set[str], listed: dict[str, str]) -> set[str]:
    """The differences that no pattern of the list covers."""
    return {place for place in found if not any(fnmatchcase(place, pattern) for pattern in listed)}


def outdated(found: set[str], listed: dict[str, str]) -> set[str]:
    """The patterns of the list that cover nothing any more."""
    return {pattern for pattern in listed if not any(fnmatchcase(place, pattern) for place in found)}


def _answers(real: dict[str, Json], ours: dict[str, Json]) -> Iterator[str]:
    for situation, answer in real.items():
        if situation not in ours:
            yield f"{situation}/: not asked"
        else:
            yield from value_differences(situation + "/", answer, ours[situation])


def _events(real: dict[str, list[Json]], ours: dict[str, list[Json]]) -> Iterator[str]:
    known, sent = _kinds_of(real), _kinds_of(ours)
    yield from (f"events/{kind}: missing" for kind in known - sent)
    yield from (f"events/{kind}: only ours" for kind in sent - known)
    both = known & sent
    for situation, messages in real.items():
        expected = [name for kind, name in _event_names(messages) if kind in both]
        came = [name for kind, name in _event_names(ours.get(situation, [])) if kind in both]
        if expected != came:
            yield f"events in {situation}: {' '.join(came)} instead of {' '.join(expected)}"


def _kinds_of(pushed: dict[str, list[Json]]) -> set[str]:
    return {kind for messages in pushed.values() for kind, _ in _event_names(messages)}


def _event_names(messages: list[Json]) -> Iterator[tuple[str, str]]:
    for message in messages:
        if "event" in message:
            kind = message["event"]["type"]
            state = (message["event"]["payload"] or {}).get("state_id", "")
            yield kind, f"{kind} {state}".strip()


def _messages(situation: str, real: list[Json], ours: list[Json]) -> Iterator[str]:
    """The first message of each kind, an event's by its type, a picture's by the state it shows.

    Pictures are taken at any moment: the one of ours counts that is most like the real one.
    """
    expected, came = _by_kind(real), _by_kind(ours)
    for kind, (first, *_) in expected.items():
        if kind in came:
            ways = [list(value_differences(f"{situation}/{kind}.", first, message)) for message in came[kind]]
            yield from min(ways, key=len) if kind.startswith(PICTURES) else ways[0]
        elif not kind.startswith(("event ", *PICTURES)):
            yield f"{situation}/{kind}: missing"


def _by_kind(messages: list[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for message in messages:
        ((kind, content),) = message.items()
        if kind == "event":
            kind, content = f"event {content['type']}", content["payload"]
        elif kind in PICTURES:
            kind = f"{kind} {content['state']['text']}"
        found.setdefault(kind, []).append(content)
    return found


def value_differences(place: str, real: Json, ours: Json, name: str = "") -> Iterator[str]:
    """Where two JSON values differ: in keys, types and words; numbers only where their field is exact."""
    if type(real) is not type(ours):
        yield f"{place.rstrip('.')}: {_type(ours)} instead of {_type(real)}"
    elif isinstance(real, dict):
        dot = "" if place.endswith(("/", ".")) else "."
        for key in real.keys() | ours.keys():
            if key not in ours:
                yield f"{place}{dot}{key}: missing"
            elif key not in real:
                yield f"{place}{dot}{key}: only ours"
            else:
                yield from value_differences(f"{place}{dot}{key}", real[key], ours[key], key)
    elif isinstance(real, list):
        if real and ours:
            yield from value_differences(f"{place}[]", real[0], ours[0])
        elif bool(real) != bool(ours) and name not in BY_THE_CLOCK:
            yield f"{place}: {len(ours)} instead of {len(real)}"
    elif real != ours and name not in CHANCE and _exact(real, name) and "temps[]" not in place:
        yield f"{place}: {ours!r} instead of {real!r}"


def _exact(value: Json, name: str) -> bool:
    return not isinstance(value, int | float) or isinstance(value, bool) or name in EXACT_NUMBERS


def _type(value: Json) -> str:
    return "null" if value is None else type(value).__name__
