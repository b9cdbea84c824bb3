"""Whatever a shop looks like: its plan breaks no rule, and costs what the search believes it costs."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from farm.schedule.config import SearchConfig
from farm.schedule.engine.annealing import Budget, improve
from farm.schedule.engine.construct import start
from farm.schedule.engine.model import build
from farm.schedule.engine.state import empty
from farm.schedule.evaluate import evaluate, rank
from farm.schedule.problem import Weights
from farm.schedule.solve import _Plan, solve
from farm.schedule.validate import validate
from tests.schedule.shops import shops

PRICES = Weights(hand_work=3.0, other_printer=70.0, shift=0.5, doubtful=11.0)


@settings(max_examples=80)
@given(shops())
def test_a_plan_for_any_shop_breaks_no_rule(problem):
    plan = solve(problem, SearchConfig(iterations=400, exact=False))

    assert validate(problem, plan) == []


@settings(max_examples=60)
@given(shops())
def test_the_search_knows_what_its_plans_cost(problem):
    problem = replace(problem, weights=PRICES)
    model, names = build(problem)
    state = empty(model, seed=3)
    plans = [*start(model, state), *improve(model, state, Budget(lambda: 0.0, 1.0, 600), warm=False)]

    schedule = _Plan(problem, model, names, state).schedule(0.0, "")
    without = sum(problem.jobs[place].weight * count for place, count in names.left_out.items())

    assert plans
    left_out, cost = rank(evaluate(problem, schedule))
    assert left_out == pytest.approx(state.tally["left_out"][0] + without)
    assert cost == pytest.approx(state.tally["cost"][0])
