"""What is learned of how long things take, against what is known to be true."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from farm.domain.durations import (
    MOST_OFF,
    NOTHING_LEARNED,
    PRIORS,
    Durations,
    Estimated,
    Fit,
    Own,
    Phase,
    Prior,
    fit,
    learn,
)

SLICER = PRIORS[Phase.PRINT_SLICER]


def drawn(chance, centre, spread, count):
    return [chance.lognormvariate(centre, spread) for _ in range(count)]


def own(printer, model, values, prior=SLICER):
    return Own(printer, model, fit(values, prior.spread))


@given(st.lists(st.floats(0.5, 2.0), min_size=2, max_size=60))
def test_a_fit_is_the_log_normal_of_scipy_where_nothing_lies_far_off(values):
    logs = np.log(values)
    found = fit(values, usual_spread=10.0)
    shape, _, scale = (
        stats.lognorm.fit(values, floc=0) if logs.std() > 1e-6 else (0.0, 0.0, math.exp(logs[0]))
    )
    assert found.count == len(values)
    assert found.centre == pytest.approx(math.log(scale), abs=1e-4)
    assert found.spread * math.sqrt((len(values) - 1) / len(values)) == pytest.approx(shape, abs=1e-4)


def test_what_lies_far_off_teaches_nothing():
    good = drawn(random.Random(1), 0.0, 0.05, 40)
    found = fit([*good, 9.0, 0.01, 30.0], SLICER.spread)
    assert found.count == 40
    assert found == fit(good, SLICER.spread)
    assert math.log(9.0) > MOST_OFF * SLICER.spread


def test_a_printer_that_is_slower_than_its_model_is_found_out_within_its_error_bars():
    """Over many farms drawn from what is assumed, what is true lies in the bars as often as they say."""
    chance, inside, width = random.Random(7), 0, 0.0
    for _ in range(400):
        owns, truth = _a_farm(chance, SLICER, models=3, printers=3)
        found = learn(owns, SLICER)
        low, high = found.printers["0.0"].bars
        inside += low <= math.exp(truth["0.0"]) <= high
        width += math.log(high / low)
    assert 0.91 <= inside / 400 <= 0.985  # 19 of 20, give or take what 400 farms may
    assert width / 400 < 0.25


def _a_farm(chance, prior, models, printers):
    farm = chance.gauss(math.log(prior.usual), prior.unsure)
    owns, truth = [], {}
    for model in range(models):
        centre = chance.gauss(farm, prior.models)
        for printer in range(printers):
            name = f"{model}.{printer}"
            truth[name] = chance.gauss(centre, prior.printers)
            values = drawn(chance, truth[name], prior.spread, chance.choice((0, 1, 3, 30)))
            owns.append(own(name, f"model {model}", values))
    return owns, truth


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 50), st.floats(-1, 1), st.floats(0, 0.5)),
        min_size=1,
        max_size=8,
    )
)
def test_what_flows_up_and_down_is_what_one_large_normal_distribution_says(told):
    prior = Prior(1.0, 0.2, 0.15, 0.05, 0.1)
    owns = [
        Own(str(number), model, Fit(count, centre if count else 0.0, spread if count > 1 else 0.0))
        for number, (model, count, centre, spread) in enumerate(told)
    ]
    found = learn(owns, prior)
    model_of = [one.model or one.printer for one in owns]
    same = np.array([[a == b for b in model_of] for a in model_of])
    among = prior.unsure**2 + prior.models**2 * same + prior.printers**2 * np.eye(len(owns))
    seen = [number for number, one in enumerate(owns) if one.fit.count]
    noise = np.diag([found.printers[owns[n].printer].spread ** 2 / owns[n].fit.count for n in seen])
    gain = (
        among[:, seen] @ np.linalg.inv(among[np.ix_(seen, seen)] + noise)
        if seen
        else np.zeros((len(owns), 0))
    )
    centres = gain @ np.array([owns[n].fit.centre for n in seen])
    variances = np.diag(among - gain @ among[seen, :])
    for number, one in enumerate(owns):
        learned = found.printers[one.printer]
        assert learned.centre == pytest.approx(centres[number], abs=1e-6)
        assert learned.unsure == pytest.approx(math.sqrt(variances[number]), rel=1e-5)


def test_a_printer_without_prints_of_its_own_takes_after_its_model_and_is_less_sure():
    chance = random.Random(3)
    owns = [
        own("slow", "A", drawn(chance, 0.2, 0.1, 50)),
        Own("new", "A"),
        own("fast", "B", drawn(chance, -0.1, 0.1, 50)),
        Own("unknown", None),
    ]
    found = learn(owns, SLICER)
    assert found.printers["slow"].typical == pytest.approx(1.22, abs=0.04)
    assert found.printers["new"].typical == pytest.approx(found.models["A"].typical, rel=1e-6)
    assert found.printers["new"].unsure > found.printers["slow"].unsure
    assert found.printers["fast"].typical < found.printers["unknown"].typical < found.printers["new"].typical


def test_one_print_moves_little_and_many_move_it_all_the_way():
    one, many = (learn([own("p", "A", [1.3] * count)], SLICER).printers["p"] for count in (1, 100))
    assert 1.0 < one.typical < 1.3
    assert many.typical == pytest.approx(1.3, abs=0.005)
    assert many.unsure < one.unsure


def test_the_mean_is_what_many_prints_come_to():
    chance = random.Random(5)
    found = learn([own("p", "A", drawn(chance, 0.1, 0.3, 100))], SLICER).printers["p"]
    assert found.mean == pytest.approx(np.mean(drawn(chance, 0.1, 0.3, 100_000)), rel=0.08)
    assert found.typical < found.mean


def durations(**values):
    """Of printer p, by phase, each measured so often that no guess is left."""
    return Durations(
        {
            Phase(phase): learn([own("p", "A", [value] * 100)], PRIORS[Phase(phase)])
            for phase, value in values.items()
        }
    )


def test_a_print_is_made_of_sending_heating_and_printing():
    found = durations(print_slicer=1.2, heat=240.0, upload=2.0)
    pace, told = found.pace("p", Phase.PRINT_SLICER), Estimated(Phase.PRINT_SLICER, 3600.0)
    assert pace.takes_s(told, mb=9.0) == pytest.approx(3600 * 1.2 + 240 + 20, rel=0.02)
    assert pace.takes_s(told) == pytest.approx(3600 * 1.2 + 240, rel=0.02)
    assert 0 < found.spread("p") < 0.1


def test_where_nothing_was_learned_a_print_takes_what_was_estimated():
    told = Estimated(Phase.PRINT_MOTION, 1000.0, heat_s=200.0)
    assert NOTHING_LEARNED.pace("p", told.phase).takes_s(told, mb=5.0) == 1200.0
    assert NOTHING_LEARNED.spread("p") is None
    of_the_slicer = durations(print_slicer=1.5)
    assert of_the_slicer.pace("p", told.phase).takes_s(told) == 1200.0
    assert of_the_slicer.pace("nobody", Phase.PRINT_SLICER).takes_s(told) == 1200.0
