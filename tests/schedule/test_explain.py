"""Why a job is where it is, why not sooner, and what would help: sentences for a person in the shop."""

import pytest

from farm.errors import NotFound
from farm.schedule.explain import explain
from farm.schedule.problem import Pin, Reason, Running
from farm.schedule.rules import Rule
from farm.schedule.validate import validate
from tests.schedule.small_shop import WHITE, at, before, job, minutes, plan, printer, shop


def standing(problem, *placements, of="j"):
    schedule = plan(*placements)
    assert validate(problem, schedule) == []
    (found,) = explain(problem, schedule, of).standing
    return found


def test_a_job_that_nobody_knows_is_said_so():
    with pytest.raises(NotFound, match="no job x"):
        explain(shop(), plan(), "x")


def test_on_a_free_printer_it_starts_at_once():
    found = standing(shop(job()), at(0))
    assert found.why_here == "a is the only printer that can print it."
    assert (found.binding, found.why_then) == (Rule.OCCUPIED, "It starts at once on a.")


@pytest.mark.parametrize(
    ("problem", "placements", "binding", "words"),
    [
        (
            shop(job("j"), job("k")),
            [at(0, "k"), at(65, hands=(60, 65))],
            Rule.OCCUPIED,
            "a prints job k until Fri 09:00, then 5 min of work at it.",
        ),
        (
            shop(printer(ready_s=minutes(30), plate_clear=False, running=Running("x")), job()),
            [at(35, hands=(30, 35))],
            Rule.RUNNING,
            "a is printing until Fri 08:30, then 5 min of work at it.",
        ),
        (
            shop(printer(plate_clear=False), job()),
            [at(5, hands=(0, 5))],
            Rule.HAND_WORK,
            "a is free; 5 min of work at it come first.",
        ),
        (
            shop(printer(plate_clear=False), job(), staffed=(minutes(120, 180),)),
            [at(125, hands=(120, 125))],
            Rule.WORKING_HOURS,
            "Nobody is there before Fri 10:00 to make a ready.",
        ),
        (
            shop(job(attended=True), staffed=(minutes(120, 180),)),
            [at(120)],
            Rule.ATTENDED,
            "It has to be watched, and before Fri 10:00 people are not there for all of it.",
        ),
        (
            shop(printer(blocked=(minutes(30, 90),)), job()),
            [at(90)],
            Rule.MAINTENANCE,
            "a is down for maintenance until Fri 09:30, and it would not be done before.",
        ),
        (
            shop(job(release_s=minutes(45))),
            [at(45)],
            Rule.RELEASE,
            "It may not be begun before Fri 08:45.",
        ),
        (
            shop(job(pin=Pin("a", minutes(45)))),
            [at(45)],
            Rule.PIN,
            "Somebody said that it is not to start before Fri 08:45.",
        ),
        (
            shop(
                printer(plate_clear=False),
                printer("b", plate_clear=False),
                job(),
                job("k", on=("b",)),
                operators=1,
            ),
            [at(10, hands=(5, 10)), at(5, "k", "b", hands=(0, 5))],
            Rule.OPERATORS,
            "The one person is at other printers until 08:05.",
        ),
        (
            shop(printer(), printer("b"), job(), job("k", on=("b",)), power_w=400.0),
            [at(10), at(0, "k", "b")],
            Rule.POWER,
            "Before Fri 08:10 other printers leave less than the 300 W it draws of the 400 W.",
        ),
        (
            shop(
                printer(circuit="left"),
                printer("b", circuit="left"),
                job(),
                job("k", on=("b",)),
                circuits_w={"left": 400.0},
            ),
            [at(10), at(0, "k", "b")],
            Rule.CIRCUIT,
            "Before Fri 08:10 others on circuit left leave less than the 300 W it draws.",
        ),
    ],
)
def test_what_it_waits_for_is_named(problem, placements, binding, words):
    found = standing(problem, *placements)
    assert (found.binding, found.why_then) == (binding, words)


def test_where_there_is_room_sooner_it_is_said():
    found = standing(shop(job()), at(30))
    assert (found.binding, found.why_then) == (
        None,
        "There would be room from Fri 08:00; what comes before it was thought to matter more.",
    )


def test_the_next_best_printers_are_told_with_what_they_cost_more():
    quick = job(on=("a",), takes=60)
    both = job(on=("a", "b", "c"))
    problem = shop(
        printer(),
        printer("b", plate_clear=False),
        printer("c", loaded=WHITE),
        printer("d"),
        both,
    )
    found = standing(problem, at(0))
    assert [(other.printer, other.end_s, other.more_cost) for other in found.elsewhere] == [
        ("b", minutes(65), 5 + 50),
        ("c", minutes(70), 10 + 100 + 100),
        ("d", None, None),
    ]
    assert found.elsewhere[2].reason.constraint == Rule.COMPATIBILITY
    assert found.why_here == (
        "Of all printers it costs least on a: next best is b, done Fri 09:05, 5 min later."
    )
    assert quick.estimate_s == {"a": 3600}


def test_a_pin_and_what_people_have_been_told_are_reasons_enough():
    pinned = shop(printer(), printer("b"), job(on=("a", "b"), pin=Pin("b")))
    assert standing(pinned, at(0, on="b")).why_here == "Somebody said that it has to be printed on b."
    held = shop(printer(), printer("b"), job(on=("a", "b")), previous=before(at(0)))
    (found,) = explain(held, plan(at(0).__class__("j", 0, "a", 0, 0, 0, 3600, locked=True)), "j").standing
    assert found.why_here == "It was to be begun soon, and people have been told that it is printed on a."


def test_a_late_job_is_told_what_would_make_it_in_time():
    problem = shop(printer(plate_clear=False), job(due_s=minutes(100)), staffed=(minutes(120, 180),))
    found = explain(problem, plan(at(125, hands=(120, 125))), "j")
    assert found.late_s == minutes(85)
    assert [(one.constraint, one.end_s) for one in found.in_time] == [("working_hours", minutes(65))]
    assert found.sentences[-2:] == (
        "It is wanted Fri 09:40: it is 1 h 25 min late.",
        "In time it would be done (Fri 09:05) if you could have somebody there outside working hours.",
    )


def test_a_job_that_is_late_behind_others_would_be_in_time_before_them():
    problem = shop(job("j", due_s=minutes(70)), job("k"))
    found = explain(problem, plan(at(0, "k"), at(65, hands=(60, 65))), "j")
    assert [one.constraint for one in found.in_time] == ["priority"]
    assert found.sentences[-1].endswith("if you could put it before everything else.")


def test_a_job_that_cannot_be_in_time_is_told_that():
    problem = shop(job("j", due_s=minutes(50)))
    assert explain(problem, plan(at(0)), "j").sentences[-1].startswith("Nothing that one could give up")
    early = shop(job("j", due_s=minutes(75)))
    assert explain(early, plan(at(0)), "j").sentences[-1] == (
        "It is wanted Fri 09:15, and done 15 min before."
    )


@pytest.mark.parametrize(
    ("problem", "reason", "relaxed"),
    [
        (
            shop(job(deadline_s=minutes(30))),
            Reason("a", "deadline", "done by Fri 08:30", "done Fri 09:00 at the soonest"),
            ("deadline", minutes(60)),
        ),
        (
            shop(job(max_print_s=minutes(59))),
            Reason("a", "max_print_time", "1 h", "at most 59 min"),
            ("max_print_time", minutes(60)),
        ),
        (
            shop(job(), power_w=299.0),
            Reason("a", "power_limit", "300 W", "299 W for the farm"),
            ("power_limit", minutes(60)),
        ),
        (
            shop(printer(circuit="left"), job(), circuits_w={"left": 299.0}),
            Reason("a", "circuit", "300 W", "299 W on circuit left"),
            ("circuit", minutes(60)),
        ),
        (
            shop(job(attended=True), staffed=(minutes(0, 30),)),
            Reason("a", "attended", "1 h with somebody there", "30 min at a stretch"),
            ("attended", minutes(60)),
        ),
        (
            shop(printer(plate_clear=False), job(), staffed=()),
            Reason("a", "working_hours", "a place from Fri 08:00", "it is not there"),
            ("working_hours", minutes(65)),
        ),
        (
            shop(job(grams=50.0), stock_g={job().filament: 40.0}),
            Reason(None, "filament", "50 g of black PLA", "40 g that nothing is planned for"),
            ("filament", minutes(60)),
        ),
        (
            shop(printer(blocked=(minutes(30, 90),)), job(deadline_s=minutes(60))),
            Reason("a", "maintenance", "a place from Fri 08:00", "it is not there"),
            ("maintenance", minutes(60)),
        ),
    ],
)
def test_a_job_without_a_place_is_told_why_and_what_would_give_it_one(problem, reason, relaxed):
    found = explain(problem, plan(), "j")
    assert found.unscheduled == (reason,)
    assert (found.relaxed[0].constraint, found.relaxed[0].end_s) == relaxed
    assert found.sentences[0].startswith("Job j has no place.")


def test_what_is_known_of_a_printer_that_does_not_fit_is_told():
    why = Reason("b", "nozzle", "0.4 mm", "0.6 mm")
    problem = shop(printer(), printer("b"), job(pin=Pin("b"), excluded=(why,)))
    found = explain(problem, plan(), "j")
    assert found.unscheduled == (Reason("a", "required_printers", "b", "a"), why)
    assert [(one.constraint, one.end_s) for one in found.relaxed] == [("required_printers", minutes(60))]
    assert found.sentences[0] == (
        "Job j has no place. on a: required printers (needed: b; there: a); on b: nozzle (needed: 0.4 mm; "
        "there: 0.6 mm)."
    )


def test_a_print_that_follows_another_at_once_waits_for_that_and_not_for_people():
    hours = (minutes(0, 70), minutes(120, 180))
    problem = shop(job("j"), job("k"), staffed=hours)
    found = standing(problem, at(0, "k"), at(65, hands=(60, 65)))
    assert found.binding is Rule.OCCUPIED
