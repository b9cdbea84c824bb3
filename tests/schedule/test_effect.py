"""What other rules would do to the plan, said before anybody sets them."""

from dataclasses import replace

from farm.domain.settings import Preset
from farm.schedule.config import SearchConfig
from farm.schedule.effect import effect
from farm.schedule.problem import Running
from farm.schedule.replan import repair
from farm.schedule.result import Schedule
from farm.schedule.validate import validate
from tests.schedule.small_shop import WHITE, at, job, minutes, plan, printer, shop

CONFIG = SearchConfig(seconds=2.0)


def greedy(problem, config):
    """Each print where it ends soonest, the weightiest first."""
    return repair(problem, Schedule(()))


def found(now, then, *placements, solver=greedy, **more):
    return effect(now, then, plan(*placements), CONFIG, solver=solver, **more)


def figure(told, name):
    return next((one.now, one.then) for one in told.figures if one.name == name)


def test_rules_that_bind_nothing_change_nothing():
    now = shop(job(), job("k"))
    told = found(now, replace(now, power_w=5000.0), at(0), at(65, "k", hands=(60, 65)))
    assert told.sentences == ("Nothing that is planned would change.",)
    assert (told.moved, told.late, told.left_out) == ((), (), ())
    assert all(one.now == one.then for one in told.figures)


def test_a_plan_that_may_stay_stays_where_another_would_hardly_gain():
    now = shop(printer(), printer("b"), job(on=("a", "b")))
    told = found(now, replace(now, operators=5), at(0), solver=lambda problem, config: plan(at(0, on="b")))
    assert told.sentences == ("Nothing that is planned would change.",)


def test_a_window_moves_a_print_makes_it_late_and_says_why():
    now = shop(printer(), job(due_s=minutes(90)))
    then = replace(now, printers=(printer(blocked=(minutes(30, 120),)),))
    told = found(now, then, at(0))
    assert told.sentences == (
        "1 job would be late; now none is.",
        "Job j would be late: done Fri 11:00, due Fri 09:30.",
        "All would be done Fri 11:00, 2 h later than now.",
        "1 print would start later (by up to 2 h):",
        "Job j stays on a and starts Fri 10:00, 2 h later. a is down for maintenance from Fri 08:30 to Fri "
        "10:00; job j would need it from Fri 08:00 to Fri 09:00.",
    )
    assert (told.late, told.in_time) == (("j",), ())
    assert figure(told, "makespan_s") == minutes(60, 180)


def test_too_little_power_for_the_plan_is_said_once_for_all():
    now = shop(printer(), printer("b"), job(), job("k", ("b",)))
    told = found(now, replace(now, power_w=350.0), at(0), at(0, "k", on="b"))
    assert told.sentences[0] == (
        "The plan could not stay as it is. From Fri 08:00 to Fri 08:10 600 W would be drawn in all, where "
        "350 W are allowed."
    )
    assert "The most power drawn at once would be" in " ".join(told.sentences)


def test_more_people_bring_a_late_job_in_time():
    jobs = job("j", ("a",), takes=60), job("k", ("b",), takes=60, due_s=minutes(70))
    now = shop(printer(plate_clear=False), printer("b", plate_clear=False), *jobs, operators=1)
    late = at(5, hands=(0, 5)), at(30, "k", on="b", hands=(25, 30))
    told = found(now, replace(now, operators=None), *late)
    assert "Job k would be in time" not in " ".join(told.sentences)  # five minutes are no matter: it is now
    now = replace(now, jobs=(replace(jobs[0], estimate_s={"a": 3600}), replace(jobs[1], due_s=minutes(66))))
    told = found(now, replace(now, operators=None), *late)
    assert told.in_time == ("k",)
    assert told.sentences[:2] == (
        "No job would be late; now 1 is.",
        "Job k would be in time: done Fri 09:05, due Fri 09:06.",
    )


def test_a_job_without_a_place_is_named_with_the_reason_and_one_that_gets_one():
    now = shop(printer(), job())
    strict = replace(now, max_print_s=minutes(30))
    told = found(now, strict, at(0))
    assert [one.job for one in told.left_out] == ["j"]
    assert (
        "Left out would be: Job j has no place. on a: max print time (needed: 1 h; there: at most 30 min)."
        in told.sentences
    )
    assert figure(told, "left_out") == (0.0, 1.0)
    back = found(strict, now)
    assert back.placed == ("j",)
    assert "j would get a place, and has none now." in back.sentences


def test_figures_are_in_plain_weights_whatever_the_preset():
    now = shop(printer(), job("w", filament=WHITE, weight=4.0, due_s=0), job("b"))
    first, second = at(10, "w", hands=(0, 10)), at(75, "b", hands=(70, 75))
    presets = (Preset.TIME_FIRST, Preset.PRIORITY_FIRST)
    told = found(now, now, first, second, presets=presets)
    assert figure(told, "weighted_tardiness_s") == (4.0 * minutes(70), 4.0 * minutes(70))


def test_the_plan_that_would_be_made_keeps_to_the_new_rules():
    wanted = [job(name, ("a", "b"), due_s=minutes(200)) for name in "jklm"]
    now = shop(printer(), printer("b"), *wanted)
    then = replace(now, power_w=350.0, staffed=(minutes(0, 300),))
    told = found(now, then)
    assert validate(replace(then, previous={}), told.then) == []
    assert figure(told, "peak_w")[1] <= 350.0


def test_of_two_prints_of_a_job_each_has_its_own_reason():
    wide = ("a", "b")
    now = shop(printer(), printer("b"), job(on=wide, copies=2), staffed=None)
    down = printer(blocked=(minutes(0, 30),)), printer("b", blocked=(minutes(10, 90),))
    told = found(now, replace(now, printers=down), at(0), at(0, on="b", copy=1))
    reasons = {change.before.printer: change.why for change in told.moved}
    assert reasons["a"].startswith("a is down for maintenance")
    assert reasons["b"].startswith("b is down for maintenance")


def test_what_prints_already_against_the_new_rules_is_told_first():
    busy = printer(ready_s=minutes(60), running=Running("x", heat_until_s=0), plate_clear=False)
    now = shop(busy, job())
    told = found(now, replace(now, power_w=80.0), at(65, hands=(60, 65)))
    assert told.sentences[0] == "The running prints draw 100 W in all, where 80 W are allowed."
