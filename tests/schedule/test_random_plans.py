"""Whatever a shop is like, its plans are sound, and news makes them no worse than need be."""

from dataclasses import replace

from hypothesis import given, settings

from farm.schedule.config import SearchConfig
from farm.schedule.evaluate import evaluate, rank
from farm.schedule.replan import JobGone, PrinterLost, apply, repair, replan
from farm.schedule.solve import solve
from farm.schedule.validate import validate
from tests.schedule.random_shops import shops

TRIES = SearchConfig(iterations=300, exact=False)


@settings(max_examples=60)
@given(shops())
def test_a_plan_keeps_to_every_rule(problem):
    plan = solve(problem, TRIES)
    assert validate(problem, plan) == []
    assert plan.metrics == evaluate(problem, plan)


@settings(max_examples=30)
@given(shops())
def test_after_a_job_or_a_printer_is_gone_the_plan_is_sound_and_no_worse_than_the_old_one_put_right(problem):
    plan = solve(replace(problem, previous={}), TRIES)
    events = [JobGone(job.id) for job in problem.jobs[:1]] or [PrinterLost(problem.printers[0].id)]
    after = apply(problem, plan, events)
    again = replan(problem, plan, events, TRIES, solve)
    assert validate(after, again) == []
    assert rank(again.metrics) <= rank(repair(after, plan).metrics)
