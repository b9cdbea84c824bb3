"""What people are told of a new plan who knew the old one."""

from farm.schedule.diff import Moved, changes, told
from farm.schedule.problem import Running
from tests.schedule.small_shop import at, before, job, minutes, plan, printer, shop

BOTH = ("a", "b")


def said(problem, *placements):
    return told(problem, plan(*placements))


def test_nothing_is_said_of_what_stays_or_moves_by_minutes():
    problem = shop(job(), previous=before(at(0)))
    assert said(problem, at(9)) == ()
    assert said(shop(job()), at(0)) == ()  # there was no plan


def test_a_print_whose_printer_is_lost_moves_to_another():
    problem = shop(printer("b"), job(on=BOTH), previous=before(at(0)))
    assert said(problem, at(0, on="b")) == (
        "Job j moves from a to b and starts Fri 08:00. a is not to be had.",
    )


def test_a_print_that_lasts_longer_makes_the_next_one_late():
    busy = printer(ready_s=minutes(90), plate_clear=False, running=Running("x"))
    problem = shop(busy, job(), previous=before(at(35, hands=(30, 35))))
    assert said(problem, at(95, hands=(90, 95))) == (
        "Job j stays on a and starts Fri 09:35, 1 h later. a is printing until Fri 09:30, longer than was "
        "thought.",
    )


def test_maintenance_and_other_jobs_are_named_as_reasons():
    down = shop(printer(blocked=(minutes(0, 90),)), job(), previous=before(at(0)))
    assert said(down, at(90)) == (
        "Job j stays on a and starts Fri 09:30, 1 h 30 min later. a is down for maintenance until Fri 09:30.",
    )
    rush = shop(job(), job("rush"), previous=before(at(0)))
    assert said(rush, at(0, "rush"), at(65, hands=(60, 65))) == (
        "Job j stays on a and starts Fri 09:05, 1 h 5 min later. Job rush is printed there then.",
        "Job rush is new: on a, Fri 08:00 to Fri 09:00.",
    )


def test_what_is_left_out_is_said_first_and_what_is_sooner_last():
    jobs = [job(name, on=BOTH, copies=2 if name == "m" else 1) for name in "jkm"]
    planned = at(200), at(100, "k"), at(0, "m", "b"), at(65, "m", "b", copy=1)
    problem = shop(printer(), printer("b"), *jobs, previous=before(*planned))
    schedule = plan(at(0), at(0, "k", "b"), at(65, "m", "b", hands=(60, 65)))
    found = changes(problem, schedule)
    assert [(one.job, one.copy, one.moved) for one in found] == [
        ("m", 1, Moved.LEFT_OUT),
        ("k", 0, Moved.PRINTER),
        ("m", 0, Moved.LATER),
        ("j", 0, Moved.SOONER),
    ]
    assert told(problem, schedule)[0] == (
        "Job m (print 2) is left out. It was to be printed on b. It has no place any more."
    )
    assert told(problem, schedule, most=1)[1] == "3 more prints moved."


def test_a_job_that_is_gone_is_not_spoken_of():
    assert said(shop(job()), at(0)) == ()
    assert said(shop(job(), previous=before(at(0), at(65, "gone"))), at(0)) == ()
