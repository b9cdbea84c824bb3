"""When something would be done that is taken on now, and how sure that is."""

from dataclasses import replace

from farm.schedule.evaluate import evaluate
from farm.schedule.problem import Running
from farm.schedule.quote import CHANCES, quote
from farm.schedule.validate import validate
from tests.schedule.small_shop import BLACK, at, job, minutes, plan, printer, shop

WISH = job("wish", takes=30, on=("a", "b"))


def with_it(problem, schedule, asked, wish=WISH):
    """The plan with what was quoted, and the problem with the job."""
    full = replace(problem, jobs=(*problem.jobs, wish))
    return full, replace(schedule, placements=(*schedule.placements, *asked.placements))


def test_it_is_done_in_the_first_gap_and_the_plan_stays_as_it_is():
    problem = shop(printer(), printer("b"), job("k"), job("m"), job("n", on=("b",), takes=300))
    schedule = plan(at(0, "k"), at(100, "m", hands=(95, 100)), at(0, "n", "b", takes=300))
    asked = quote(problem, schedule, WISH)
    assert asked.placements == (at(65, "wish", takes=30, hands=(60, 65)),)
    assert (asked.end_s, asked.late_s, asked.by) == (minutes(95), 0, ())
    full, whole = with_it(problem, schedule, asked)
    assert validate(full, whole) == []
    assert evaluate(full, whole).left_out == 0


def test_many_pieces_are_spread_over_the_printers_and_the_last_one_counts():
    asked = quote(shop(printer(), printer("b")), plan(), replace(WISH, copies=4, due_s=minutes(50)))
    assert sorted(one.end for one in asked.placements) == [minutes(at_) for at_ in (30, 30, 65, 65)]
    assert (asked.end_s, asked.late_s) == (minutes(65), minutes(15))


def test_what_cannot_be_done_is_told_why_and_what_would_help():
    closed = shop(printer(plate_clear=False), staffed=())
    asked = quote(closed, plan(), WISH)
    assert asked.end_s is None
    assert [why.constraint for why in asked.reasons] == ["working_hours"]
    assert [(one.constraint, one.end_s) for one in asked.relaxed] == [("working_hours", minutes(35))]


def test_all_pieces_have_to_have_filament():
    short = shop(printer(), stock_g={BLACK: 100.0})
    assert quote(short, plan(), replace(WISH, copies=2, grams=50.0)).end_s == minutes(65)
    asked = quote(short, plan(), replace(WISH, copies=3, grams=50.0))
    assert (asked.end_s, [why.constraint for why in asked.reasons]) == (None, ["filament"])
    assert [one.constraint for one in asked.relaxed] == ["filament"]


def test_a_job_that_is_planned_already_is_asked_as_if_it_were_not():
    problem = shop(printer(), replace(WISH, id="j"))
    assert quote(problem, plan(at(200, takes=30)), replace(WISH, id="j")).end_s == minutes(30)


def test_with_error_bars_it_is_told_how_sure_it_is():
    busy = printer(ready_s=minutes(60), plate_clear=False, running=Running("x"), spread=0.2)
    problem = shop(busy)
    asked = quote(problem, plan(), replace(WISH, estimate_s={"a": minutes(600)}))
    assert [chance for chance, _ in asked.by] == list(CHANCES)
    soonest, half, most, nearly_all = (end for _, end in asked.by)
    assert soonest < half
    assert abs(half - asked.end_s) < minutes(40)
    # a log-normal factor of 0.2 around 1: 600 min become 696 in 80 of 100, and 817 in 95 of 100
    assert minutes(735) < most < minutes(790)
    assert minutes(840) < nearly_all < minutes(930)
    certain = shop(replace(busy, spread=0.0))
    assert quote(certain, plan(), WISH).by[2][1] == quote(certain, plan(), WISH).end_s


def test_a_print_that_may_end_after_hours_is_sure_to_wait_for_the_morning():
    problem = shop(printer(spread=0.3), job("k"), staffed=(minutes(0, 70), minutes(900, 1000)))
    asked = quote(problem, plan(at(0, "k")), WISH)
    assert asked.placements == (at(65, "wish", takes=30, hands=(60, 65)),)
    ends = dict(asked.by)
    assert ends[0.5] < minutes(120)
    assert ends[0.8] > minutes(900)


def test_a_quote_is_told_in_sentences():
    wanted = replace(WISH, due_s=minutes(60))
    asked = quote(shop(printer(spread=0.1)), plan(), wanted)
    first, second = asked.sentences
    assert first.startswith("It would be done Fri 08:30, between 08:2")
    assert first.endswith(" nine times of ten.")
    assert (second, asked.in_time) == ("It is wanted Fri 09:00: the chance to be in time is 100 %.", 1.0)
    guessed = quote(shop(printer()), plan(), replace(WISH, due_s=minutes(20)))
    assert guessed.sentences == (
        "It would be done Fri 08:30.",
        "It is wanted Fri 08:20: it would be 10 min late.",
    )
    assert guessed.in_time is None
    never = quote(shop(printer(plate_clear=False), staffed=()), plan(), WISH)
    assert len(never.sentences) == 1
