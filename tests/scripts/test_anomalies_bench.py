"""The simulated printers of the benchmark are printers, and its figures say what was seen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from farm.domain.printer import Operation
from scripts.benches import anomalies
from scripts.benches.heat import firmware
from scripts.benches.heat.judge import SHOWS, Calm, Seen, Watched
from scripts.benches.heat.oracle import best
from scripts.benches.heat.plant import STEP_S
from scripts.benches.heat.printers import KINDS, Draw, printer
from scripts.benches.heat.prints import OPERATIONS, Fault, Life
from scripts.benches.heat.told import samples


@pytest.fixture(scope="module")
def life():
    draw = Draw(7, judging=False)
    return Life(printer("serial", draw), draw)


def test_a_healthy_print_heats_up_holds_its_targets_and_ends(life):
    trace = life.print(1200.0, disturbed=False)
    holding = (trace.operation == OPERATIONS.index(Operation.PRINTING)) & (trace.progress > 0.2)

    for name, degc in (("tool0", life.printer.tool_degc), ("bed", life.printer.bed_degc)):
        assert abs(np.median(trace.shown[name][holding]) - degc) < 1.5
        assert firmware.seen_at("serial", name, trace.shown[name], trace.target[name]) is None
    assert trace.progress[-1] == pytest.approx(1.0)
    assert trace.shown["tool0"][-1] < 100


def test_a_heater_without_power_falls_and_its_firmware_stops_it(life):
    trace = life.print(1200.0, Fault("power down", 100), disturbed=False)
    assert trace.fault_at is not None
    later = int((trace.fault_at + 60) / STEP_S)

    assert trace.shown["tool0"][later] < life.printer.tool_degc - 20
    stop = firmware.seen_at("serial", "tool0", trace.shown["tool0"], trace.target["tool0"])
    assert stop is not None
    assert 30 < stop - trace.fault_at < 70


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_host_tells_in_order_and_at_its_pace(kind):
    draw = Draw(3, judging=False)
    one = printer(kind, draw)
    trace = Life(one, draw).print(300.0)
    told = list(samples(one, trace, draw, begins_at=100.0))
    gaps = np.diff([sample.at for sample in told])

    assert (gaps > 0).all()
    assert np.median(gaps) == {"moonraker": 0.5, "serial": 1.0, "octoprint": 0.5, "prusalink": 5.0}[kind]
    assert all(set(sample.heaters) == {"tool0", "bed"} for sample in told)


def test_tuning_and_judging_never_draw_the_same():
    tuning, judging = Draw(1, judging=False), Draw(1, judging=True)
    tenths = [{int(draw.of(0, 10)) for _ in range(500)} for draw in (tuning, judging)]

    assert tenths[0].isdisjoint(tenths[1])


def test_every_fault_has_what_shows_it_and_a_name():
    for fault in anomalies.FAULTS:
        assert SHOWS[fault.what.split()[0]]
        assert anomalies.named(fault)


def test_a_printer_that_is_watched_says_nothing_while_it_is_well():
    watched = Watched("serial", 2, judging=False)
    watched.play(900.0)

    assert watched.said == []
    assert watched.usual.prints == 1


def test_figures_and_table_tell_what_was_not_seen():
    fault = Fault("sensor frozen", 30)
    seen = [Seen("serial", fault, 15.0, 15.0, math.inf, math.inf)]
    missed = [Seen("serial", fault, math.inf, math.inf, math.inf, math.inf)]
    broken = {(kind, fault): seen if kind != "prusalink" else missed for kind in KINDS}
    calm = {kind: Calm(1000.0, 1, 0, 0) for kind in KINDS}
    at_best = {(kind, fault): 0.5 for kind in KINDS}

    found = {figure.name: figure for figure in anomalies.figures(calm, broken, at_best)}
    assert found["false warnings in 500 h"].value == pytest.approx(0.5)
    assert found["sensor frozen for 30 s: seen at 1 Hz and better"].value == 100
    assert found["sensor frozen for 30 s: seen by all kinds"].value == 75
    assert "| sensor frozen for 30 s | 15 s | – | 15 s | – | 15 s | – |" in anomalies.table(broken)
    assert found["sensor frozen for 30 s: what the best linear filter sees, by all kinds"].value == 50
    assert "| sensor frozen for 30 s | 100% / 50% | 100% / 50% | 100% / 50% | 0% / 50% |" in anomalies.bounds(
        broken, at_best
    )


def test_what_could_be_seen_at_best_is_much_of_what_is_large_and_nothing_of_what_is_tiny():
    faults = [Fault("sensor off", degc, "tool0", 20.0) for degc in (-20.0, -0.05)]

    large, tiny = best("serial", faults, 0, hours=12.0, times=4)

    assert (large.seen, large.times) == (4, 4)
    assert tiny.seen <= 1
    assert best("serial", faults, 0, hours=12.0, times=4) == [large, tiny]
