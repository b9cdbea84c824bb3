"""Seeded days in the shop with every kind of trouble: each promise is kept, and nothing gets stuck."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import pytest
import structlog

from farm.actors.replay import replay
from farm.domain.event import Fact
from tests.simulation.a_day import a_day

SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
DISPATCHES = round(10_000 * SCALE)
A_DAY = 250  # dispatches
SEEDS = range(-(-DISPATCHES // A_DAY))
PLANTED = ("a planted bug", "Poison")


class Mistakes:
    """Keeps of the farm's log what only a mistake in the farm can bring about."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def __call__(self, _: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        if event["event"] in ("actor failed", "operation failed"):
            words = f"{event.get('actor') or event['operation']}: {_innermost(event['exc_info'])!r}"
            if not any(planted in words for planted in PLANTED):
                self.found.append(words)
        raise structlog.DropEvent


def _innermost(error: Any) -> Any:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def live_through(seed: int, dispatches: int) -> list[Fact]:
    """One day, in silence. An error says how the very same day can be lived again."""
    mistakes, before = Mistakes(), structlog.get_config()
    structlog.configure(processors=[mistakes])
    try:
        facts: list[Fact] = replay(seed, a_day, seed, dispatches)
        assert mistakes.found == []
    except BaseException as error:
        error.add_note(f"replay it with: python -m tests.simulation.a_day {seed} {dispatches}")
        raise
    finally:
        structlog.configure(**before)
    return facts


def told(facts: list[Fact]) -> str:
    """One hash over everything that happened."""
    text = "\n".join(f"{fact.seq} {fact.type} {fact.at.isoformat()} {fact.data}" for fact in facts)
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_of_trouble_keeps_every_promise_and_ends_with_everything_printed(seed: int):
    facts = live_through(seed, A_DAY)
    dispatched = sum(fact.type == "print.starting" for fact in facts)
    finished = sum(fact.type == "print.finished" for fact in facts)
    ejected = sum(fact.type == "ejection.changed" and fact.data["to"] == "done" for fact in facts)
    assert dispatched >= A_DAY
    assert finished > A_DAY / 3, "the shop hardly printed"
    assert ejected > A_DAY / 50, "hardly a print was pushed off"


def test_the_same_seed_gives_the_same_day_again_and_another_seed_another():
    first, again, other = (told(live_through(seed, 20)) for seed in (7, 7, 8))
    assert first == again
    assert first != other
