"""Fuses: what printers draw, and whether another one may begin."""

from __future__ import annotations

import pytest
from msgspec import structs

from farm.domain.constraints import Constraints
from farm.domain.printer import Address, Operation, Printer, PrinterStatus, Profile, Temperature
from farm.queue.power import Draw, draw, is_warm, why_not

PROFILE = Profile(heat_up_w=350.0, printing_w=120.0, circuit="left")
PRINTER = Printer("a", "A", Address("octoprint", "http://a"), profile=PROFILE)
PRINTING = PrinterStatus(operation=Operation.PRINTING)


def at(actual, target):
    return {"tool0": Temperature(actual, target), "bed": Temperature(60.0, 60.0)}


@pytest.mark.parametrize(
    ("status", "watts"),
    [
        (PrinterStatus(operation=Operation.IDLE), 0.0),
        (PRINTING, 350.0),  # it has not said yet what it heats
        (structs.replace(PRINTING, temperatures=at(25.0, 210.0)), 350.0),
        (structs.replace(PRINTING, temperatures=at(None, 210.0)), 350.0),
        (structs.replace(PRINTING, temperatures=at(208.0, 210.0)), 120.0),
        (PrinterStatus(operation=Operation.IDLE, temperatures=at(100.0, 210.0)), 350.0),  # by hand
        (PrinterStatus(operation=Operation.IDLE, temperatures=at(210.0, 210.0)), 120.0),
        (PrinterStatus(operation=Operation.UNKNOWN, foreign=True), 350.0),
    ],
)
def test_a_printer_draws_its_peak_as_long_as_anything_heats(status, watts):
    assert draw(PRINTER, status).watts == watts


def test_a_print_that_was_just_given_counts_with_its_peak():
    idle = PrinterStatus(operation=Operation.IDLE)
    assert draw(PRINTER, idle, beginning=True) == Draw("a", "left", 350.0)


def test_a_print_is_warm_when_all_its_heaters_are():
    assert not is_warm(PRINTING)
    assert not is_warm(structs.replace(PRINTING, temperatures=at(150.0, 210.0)))
    assert is_warm(structs.replace(PRINTING, temperatures=at(209.0, 210.0)))


def test_the_limit_itself_is_allowed():
    assert why_not(PRINTER, [Draw("b", None, 650.0)], Constraints(power_limit_kw=1.0)) is None


def test_too_much_is_told_in_watts():
    why = why_not(PRINTER, [Draw("b", None, 700.0)], Constraints(power_limit_kw=1.0))
    assert why == "it takes 350 W to heat up, and the shop has 300 W left"


def test_a_printer_that_alone_is_too_much_is_told_so():
    why = why_not(PRINTER, [], Constraints(power_limit_kw=0.3))
    assert why == "it takes 350 W to heat up, and the shop has 300 W in all"


def test_a_circuit_counts_only_those_on_it():
    shop = Constraints(circuits={"left": 0.5})
    assert why_not(PRINTER, [Draw("b", "right", 900.0)], shop) is None
    why = why_not(PRINTER, [Draw("b", "left", 200.0)], shop)
    assert why == "it takes 350 W to heat up, and circuit left has 300 W left"


def test_what_the_printer_itself_draws_is_not_counted_twice():
    assert why_not(PRINTER, [Draw("a", "left", 120.0)], Constraints(power_limit_kw=0.35)) is None


def test_nothing_is_refused_where_nobody_said_what_a_printer_draws():
    unknown = Printer("c", "C", Address("octoprint", "http://c"))
    assert why_not(unknown, [Draw("b", None, 700.0)], Constraints(power_limit_kw=0.1)) is None
