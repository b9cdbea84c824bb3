"""Plans for other wishes: which are offered, and what one gains and loses with each."""

from farm.domain.settings import Preset
from farm.schedule.alternatives import alternatives, for_preset, side_by_side
from farm.schedule.config import SearchConfig
from farm.schedule.problem import Weights
from tests.schedule.small_shop import WHITE, at, job, minutes, plan, printer, shop

CONFIG = SearchConfig(seconds=3.0)
TIME, PRIORITY, RESOURCE = Preset

# White first is in time; black first needs no change of filament in between and is late.
PROBLEM = shop(
    printer(),
    job("w", filament=WHITE, due_s=minutes(70)),
    job("b", on=("a",)),
)
QUICK = plan(at(10, "w", hands=(0, 10)), at(85, "b", hands=(70, 85)))
EASY = plan(at(0, "b"), at(75, "w", hands=(60, 75)))


def offered(**plans):
    """What is offered where each preset's problem has that plan for its answer."""
    asked = []

    def solver(problem, config):
        asked.append(config.seconds)
        return plans[["time", "priority", "resource"][len(asked) - 1]]

    found = alternatives(PROBLEM, CONFIG, solver)
    assert asked == [1.0, 1.0, 1.0]
    return found


def test_plans_that_differ_are_offered_with_what_each_is_better_in():
    found = offered(time=QUICK, priority=QUICK, resource=EASY)
    assert [(one.preset, one.schedule.placements) for one in found] == [
        (TIME, QUICK.placements),
        (RESOURCE, EASY.placements),
    ]
    assert side_by_side(found) == {
        "weighted tardiness": {TIME: 0.0, RESOURCE: minutes(65)},
        "late jobs": {TIME: 0.0, RESOURCE: 1.0},
        "all is done": {TIME: minutes(145), RESOURCE: minutes(135)},
        "changes of filament": {TIME: 2.0, RESOURCE: 1.0},
        "work of hands": {TIME: minutes(25), RESOURCE: minutes(15)},
        "prints on other printers than before": {TIME: 0.0, RESOURCE: 0.0},
    }


def test_a_plan_that_is_worse_in_everything_is_not_offered():
    slow = plan(at(300, "b"), at(375, "w", hands=(360, 375)))
    found = offered(time=slow, priority=QUICK, resource=EASY)
    assert [one.preset for one in found] == [PRIORITY, RESOURCE]


def test_a_plan_that_leaves_something_out_is_no_better_for_being_shorter():
    found = offered(time=QUICK, priority=plan(at(0, "b")), resource=QUICK)
    assert found[0].preset is TIME
    assert found[0].metrics.left_out == 0


def test_with_priority_first_no_number_of_lesser_jobs_makes_up_for_a_greater_one():
    jobs = [job("rush", weight=4.0), *(job(f"{number}", weight=2.0) for number in range(20))]
    weights = [one.weight for one in for_preset(shop(*jobs), PRIORITY).jobs]
    assert weights[0] > sum(weights[1:])
    assert [one.weight for one in for_preset(shop(*jobs), TIME).jobs] == [one.weight for one in jobs]


def test_resources_first_puts_a_price_on_work_where_a_shop_has_none():
    priced = for_preset(shop(job(), weights=Weights(hand_work=0.0)), RESOURCE).weights
    assert priced.hand_work > 0
    assert priced.changeover / priced.tardiness > Weights().changeover / Weights().tardiness
    assert for_preset(shop(job()), TIME).weights == Weights()
