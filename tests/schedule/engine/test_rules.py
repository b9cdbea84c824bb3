"""Rules come to what somebody else's did, with the same rules of time, people and power."""

import pytest

from farm.schedule.engine.construct import RULES, by_rule
from farm.schedule.engine.model import build
from farm.schedule.engine.state import empty
from tests.schedule.instances import BASELINES, instance

SLACK = "slack_insertion"
LONG = [pytest.param(name, marks=[pytest.mark.long] * name.startswith("2000")) for name in BASELINES]


def by_our(rule, name):
    """What the rule's plan costs, in multiples of what it did elsewhere, and how many jobs more are late."""
    model, _ = build(instance(name))
    state, known = empty(model, seed=1), BASELINES[name][rule]
    by_rule(model, state, rule)
    assert state.tally["waiting"][0] == 0
    late = (state.groups["end"] > model.jobs["due"]).sum()
    return state.tally["cost"][0] / known["obj"], late - known["late"]


@pytest.mark.parametrize("name", LONG)
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != SLACK])
def test_rules_agree_with_the_known_results(rule, name):
    times, more_late = by_our(rule, name)

    assert times == pytest.approx(1, rel=0.01)
    assert abs(more_late) <= 1


@pytest.mark.parametrize("name", [name for name in BASELINES if name.startswith(("10x3", "50x8"))])
def test_by_slack_comes_close_to_the_known_results(name):
    times, more_late = by_our(SLACK, name)

    # Which printer takes a print is not told of it in every detail: on larger farms it comes out dearer.
    assert times == pytest.approx(1, rel=0.04)
    assert abs(more_late) <= 1
