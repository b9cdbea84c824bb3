"""How a state may change: a table, and the one function that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

State = TypeVar("State", bound=StrEnum)

Table = Mapping[State, frozenset[State]]
"""From each state to the states that may follow it. A state without followers is final."""


def may_follow(table: Table[State], old: State, new: State) -> bool:
    """Whether `new` may follow `old`. Staying where one is is always allowed."""
    return old == new or new in table[old]


def require(table: Table[State], old: State, new: State) -> State:
    """`new`, if the table allows it after `old`.

    Raises ValueError otherwise: a transition outside the table is a bug of ours, never a user's.
    """
    if not may_follow(table, old, new):
        raise ValueError(f"no way from {old!s} to {new!s}")
    return new


def final(table: Table[State], state: State) -> bool:
    """Whether nothing follows `state`."""
    return not table[state]
