"""What a real Moonraker answered and pushed: written down by tests/peers/record_moonraker.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from farm.drivers.exchange import Answer

_FOLDER = Path(__file__).parents[2] / "transcripts" / "moonraker"
ANSWERS: dict[str, dict[str, Any]] = json.loads((_FOLDER / "moonraker-0.11.0.json").read_text())
PUSHES: dict[str, list[tuple[float, dict[str, Any]]]] = json.loads((_FOLDER / "push-0.11.0.json").read_text())
NAME = "ab12cd_chip.gcode"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def recorded(situation: str) -> Answer:
    said = ANSWERS[situation]
    body = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"])
    return Answer(said["status"], {"content-type": said["content_type"]}, body.encode())


def saying(body: object, status: int = 200) -> Answer:
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
