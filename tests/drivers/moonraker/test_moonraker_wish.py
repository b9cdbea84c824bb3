"""What we asked of a print shows until Klipper has come to it."""

from __future__ import annotations

from farm.domain.printer import Operation
from farm.drivers.base import Reading
from farm.drivers.moonraker.protocol.wish import COMES_WITHIN_S, SHOWS_WITHIN_S, Wish

PRINTING, PAUSED, IDLE = (
    Reading(True, operation) for operation in (Operation.PRINTING, Operation.PAUSED, Operation.IDLE)
)


def shown(wish: Wish, reading: Reading, now: float) -> Operation:
    return wish.shown(reading, now).operation


def test_a_wish_shows_until_it_has_come_about() -> None:
    wish = Wish()
    assert shown(wish, PRINTING, 0) is Operation.PRINTING
    wish.make(Operation.PAUSING, 0)
    assert shown(wish, PRINTING, 60) is Operation.PAUSING
    assert shown(wish, PAUSED, 61) is Operation.PAUSED
    assert shown(wish, PRINTING, 62) is Operation.PRINTING  # somebody resumed it at the printer


def test_the_latest_wish_counts() -> None:
    wish = Wish()
    wish.make(Operation.PAUSING, 0)
    wish.make(Operation.CANCELLING, 1)
    assert shown(wish, PRINTING, 2) is Operation.CANCELLING
    assert shown(wish, PAUSED, 3) is Operation.CANCELLING
    assert shown(wish, IDLE, 4) is Operation.IDLE


def test_a_refused_wish_is_none() -> None:
    wish = Wish()
    wish.make(Operation.RESUMING, 0)
    wish.drop()
    assert shown(wish, PAUSED, 0) is Operation.PAUSED


def test_no_wish_is_shown_for_ever() -> None:
    wish = Wish()
    wish.make(Operation.PAUSING, 0)
    assert shown(wish, PRINTING, COMES_WITHIN_S) is Operation.PAUSING
    assert shown(wish, PRINTING, COMES_WITHIN_S + 1) is Operation.PRINTING
    wish.make(Operation.PAUSING, 0)
    wish.is_done(10)  # Klipper's macro did something else
    assert shown(wish, PRINTING, 10 + SHOWS_WITHIN_S) is Operation.PAUSING
    assert shown(wish, PRINTING, 11 + SHOWS_WITHIN_S) is Operation.PRINTING
