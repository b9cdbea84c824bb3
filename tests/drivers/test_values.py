"""What is remembered of a peer's messages: read once while it stays the same."""

from __future__ import annotations

import pytest

from farm.drivers.values import Remembered
from farm.errors import ProtocolError


def test_a_part_is_read_again_when_it_changes_and_only_then() -> None:
    read: list[object] = []

    def meaning(part: object) -> str:
        read.append(part)
        return f"means {part}"

    remembered = Remembered(meaning)
    said: list[object] = [{"a": [1]}, {"a": [1]}, {"a": [2]}, None, None, {"a": [1]}]

    assert [remembered(part) for part in said] == [f"means {part}" for part in said]
    assert read == [{"a": [1]}, {"a": [2]}, None, {"a": [1]}]


def test_what_cannot_be_read_is_told_each_time_and_the_rest_stays_known() -> None:
    def meaning(part: int) -> int:
        if part < 0:
            raise ProtocolError("no such part")
        return part

    remembered = Remembered(meaning)
    for _ in range(2):
        with pytest.raises(ProtocolError):
            remembered(-1)
    assert remembered(7) == 7
