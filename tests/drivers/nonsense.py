"""What no print host should say, for the tests that every parser lives through it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable

from hypothesis import strategies as st

from farm.drivers.exchange import Answer
from farm.errors import FarmError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def saying(body: object, status: int = 200) -> Answer:
    """An answer of this JSON."""
    return Answer(status, {"content-type": "application/json"}, json.dumps(body).encode())


def mutated(body: object, value: object, path: list[int]) -> object:
    """`body` with the part that `path` leads to replaced by `value`."""
    if not path or not isinstance(body, dict | list) or not body:
        return value
    if isinstance(body, list):
        place = path[0] % len(body)
        return [*body[:place], mutated(body[place], value, path[1:]), *body[place + 1 :]]
    key = sorted(body)[path[0] % len(body)]
    return {**body, key: mutated(body[key], value, path[1:])}


def only_farm_errors(parsers: Iterable[Callable[[Answer], object]], answer: Answer) -> None:
    """Each of them reads the answer, or refuses it in words."""
    for parse in parsers:
        with contextlib.suppress(FarmError):
            parse(answer)
