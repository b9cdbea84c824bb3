"""Each line of the rules, broken by a plan and kept by one that stands just within it."""

import pytest

from farm.schedule.problem import HandWork, Pin, Reason, Running, Setups
from farm.schedule.result import Unscheduled, Violation
from farm.schedule.validate import already_wrong, held_in_order, validate
from tests.schedule.small_shop import (
    BLACK,
    PETG,
    WHITE,
    at,
    before,
    job,
    minutes,
    plan,
    printer,
    shop,
)


def broken(problem, *placements, left_out=()):
    """The names of the rules that a plan breaks."""
    return [violation.constraint for violation in validate(problem, plan(*placements, left_out=left_out))]


def test_a_print_that_starts_now_on_a_free_printer_is_sound():
    assert broken(shop(job()), at(0)) == []


def test_what_is_not_there_is_named_and_left_out():
    assert broken(shop(), at(0, job="ghost")) == ["copies"]
    assert broken(shop(job()), at(0, on="ghost")) == ["compatibility", "copies"]


def test_every_print_is_there_once_or_said_to_be_left_out():
    problem = shop(job(copies=2))
    one, other = at(0, copy=0), at(65, copy=1, hands=(60, 65))
    assert broken(problem, one, other) == []
    assert broken(problem, one) == ["copies"]
    assert broken(problem, one, left_out=(Unscheduled("j", 1, ()),)) == []
    assert broken(problem, one, other, left_out=(Unscheduled("j", 1, ()),)) == ["copies"]
    assert broken(problem, at(0, copy=1), at(65, copy=1, hands=(60, 65))) == ["copies", "copies"]
    assert broken(problem, one, at(65, copy=2, hands=(60, 65))) == ["copies"]


def test_a_printer_that_cannot_print_it_is_refused_with_the_reason():
    why = Reason("b", "nozzle", "0.4 mm", "0.6 mm")
    (violation,) = validate(shop(printer(), printer("b"), job(excluded=(why,))), plan(at(0, on="b")))
    assert violation == Violation(
        "compatibility", "j", "b cannot print job j: nozzle (needed: 0.4 mm; there: 0.6 mm)."
    )


@pytest.mark.parametrize(
    "limited",
    [
        lambda limit: shop(job(), max_print_s=limit),
        lambda limit: shop(printer(max_print_s=limit), job()),
        lambda limit: shop(job(max_print_s=limit)),
    ],
)
def test_a_print_is_as_long_as_the_limit_at_most(limited):
    assert broken(limited(minutes(60)), at(0)) == []
    assert broken(limited(minutes(60) - 1), at(0)) == ["max_print_time"]


def test_the_limit_is_on_the_print_and_not_on_the_work_of_hands():
    problem = shop(printer(loaded=PETG), job(), max_print_s=minutes(60))
    assert broken(problem, at(20, hands=(0, 20))) == []


def test_a_print_takes_as_long_as_it_is_estimated():
    assert broken(shop(job()), at(0, takes=59)) == ["estimate"]


def test_a_printer_prints_one_after_the_other():
    problem = shop(job("j"), job("k"))
    assert broken(problem, at(0), at(65, "k", hands=(60, 65))) == []
    assert broken(problem, at(0), at(64, "k", hands=(59, 64))) == ["printer_occupied"]


def test_nothing_is_put_on_a_printer_before_its_running_print_has_ended():
    busy = printer(ready_s=minutes(30), plate_clear=False, running=Running("x"))
    assert broken(shop(busy, job()), at(35, hands=(30, 35))) == []
    assert broken(shop(busy, job()), at(34, hands=(29, 34))) == ["running_print"]


def test_times_are_in_order_and_not_before_now():
    assert broken(shop(job()), at(-1)) == ["estimate", "release"]
    assert broken(shop(printer(plate_clear=False), job()), at(5, hands=(2, 7))) == ["estimate"]


def test_the_work_of_hands_is_what_the_plate_and_the_filament_need():
    work = HandWork(changes={(BLACK, WHITE): minutes(25)})
    for before_it, wanted, needed in [
        (printer(), job(), 0),
        (printer(plate_clear=False), job(), 5),
        (printer(), job(filament=WHITE), 10),
        (printer(), job(filament=PETG), 20),
        (printer(plate_clear=False), job(filament=PETG), 25),
        (printer(loaded=None), job(filament=PETG), 0),
        (printer(), job(filament=None), 0),
    ]:
        problem = shop(before_it, wanted)
        assert broken(problem, at(30, hands=(0, needed))) == []
        assert broken(problem, at(30, hands=(0, needed + 1))) == ["hand_work"]
    assert broken(shop(job(filament=WHITE), hand_work=work), at(25, hands=(0, 25))) == []


def test_what_is_loaded_stays_loaded_over_a_print_that_takes_anything():
    problem = shop(job("j", filament=WHITE), job("k", filament=None), job("m", filament=WHITE))
    line = at(10, hands=(0, 10)), at(75, "k", hands=(70, 75)), at(140, "m", hands=(135, 140))
    assert broken(problem, *line) == []


def test_a_spool_with_too_little_on_it_is_changed_and_lasts_for_the_next():
    spool = printer(grams_left=100.0)
    wanted = [job(name, grams=400.0) for name in "jkm"]
    first, second = at(5, hands=(0, 5)), at(70, "k", hands=(65, 70))
    assert broken(shop(spool, *wanted[:2]), first, second) == []
    third = at(140, "m", hands=(130, 140))  # 200 g are left of the full one
    assert broken(shop(spool, *wanted), first, second, third) == []
    assert broken(shop(printer(grams_left=400.0), wanted[0]), at(0)) == []


def test_setup_times_of_a_problem_from_a_book_stand_in_for_all_work():
    setups = Setups(first=((60, 120),), between=(((0, 180), (240, 0)),))
    problem = shop(printer(plate_clear=False), job("j"), job("k", filament=PETG), setups=setups)
    assert broken(problem, at(1, hands=(0, 1)), at(64, "k", hands=(61, 64))) == []
    assert broken(problem, at(2, "k", hands=(0, 2)), at(66, hands=(62, 66))) == []
    assert broken(problem, at(2, "k", hands=(0, 2)), at(66, hands=(63, 66))) == ["hand_work"]


def test_hand_work_lies_in_one_span_of_working_hours_and_may_end_with_it():
    problem = shop(printer(plate_clear=False), job(), staffed=(minutes(0, 60), minutes(120, 180)))
    assert broken(problem, at(60, hands=(55, 60))) == []
    assert broken(problem, at(110, hands=(55, 60))) == []  # cleared in the evening, started at night
    for hands in [(56, 61), (118, 123), (200, 205)]:
        assert broken(problem, at(hands[1], hands=hands)) == ["working_hours"]


def test_two_spans_are_not_one_even_where_the_gap_is_short():
    problem = shop(printer(plate_clear=False), job(), staffed=(minutes(0, 60), minutes(61, 120)))
    assert broken(problem, at(63, hands=(58, 63))) == ["working_hours"]


def test_a_start_needs_nobody():
    assert broken(shop(job(), staffed=(minutes(0, 60),)), at(90)) == []


def test_an_ejector_needs_nobody_unless_the_filament_is_changed():
    ejects = printer(auto_eject=True, plate_clear=False)
    assert broken(shop(ejects, job(), staffed=()), at(5, hands=(0, 5))) == []
    assert broken(shop(ejects, job(filament=WHITE), staffed=()), at(15, hands=(0, 15))) == ["working_hours"]
    empty = printer(auto_eject=True, plate_clear=False, grams_left=1.0)
    assert broken(shop(empty, job(grams=2.0), staffed=()), at(10, hands=(0, 10))) == ["working_hours"]


def test_an_ejector_takes_its_time():
    ejects = printer(auto_eject=True, eject_s=1800, plate_clear=False)
    assert broken(shop(ejects, job(), staffed=()), at(30, hands=(0, 30))) == []
    assert broken(shop(ejects, job(), staffed=()), at(5, hands=(0, 5))) == ["hand_work"]


@pytest.mark.parametrize("things", [(printer(), job(attended=True)), (printer(attended=True), job())])
def test_a_print_that_is_watched_lies_within_working_hours(things):
    problem = shop(*things, staffed=(minutes(30, 90), minutes(120, 170)))
    assert broken(problem, at(30)) == []
    for start in (29, 31, 120):
        assert broken(problem, at(start)) == ["attended"]


def test_nothing_touches_a_printer_in_its_maintenance():
    problem = shop(printer(blocked=(minutes(60, 90),), plate_clear=False), job())
    for start in (0, 56, 89):
        assert broken(problem, at(start + 5, hands=(start, start + 5))) == ["maintenance"]
    assert broken(problem, at(95, hands=(90, 95))) == []
    assert broken(shop(printer(blocked=(minutes(60, 90),)), job()), at(0)) == []


def test_no_print_straddles_maintenance():
    problem = shop(printer(blocked=(minutes(30, 31),)), job())
    assert broken(problem, at(0)) == ["maintenance"]


def test_no_more_hands_than_people():
    printers = [printer(name, plate_clear=False) for name in "abc"]
    jobs = [job(name, on=(name,)) for name in "abc"]
    together = [at(5, name, name, hands=(0, 5)) for name in "abc"]
    assert broken(shop(*printers, *jobs), *together) == []
    assert broken(shop(*printers, *jobs, operators=2), *together) == ["operators"]
    in_turn = [*together[:2], at(10, "c", "c", hands=(5, 10))]
    assert broken(shop(*printers, *jobs, operators=2), *in_turn) == []


def test_an_ejector_takes_no_hands():
    printers = [printer(name, plate_clear=False, auto_eject=name == "b") for name in "ab"]
    together = [at(5, name, name, hands=(0, 5)) for name in "ab"]
    assert broken(shop(*printers, job("a"), job("b", on=("b",)), operators=1), *together) == []


def two_on_power(second_starts, **limits):
    printers = [printer(name, circuit="left") for name in "ab"]
    problem = shop(*printers, job("j"), job("k", on=("b",)), **limits)
    return broken(problem, at(0), at(second_starts, "k", "b"))


def test_the_power_that_is_drawn_at_any_instant_is_within_the_limit():
    assert two_on_power(0, power_w=600.0) == []
    assert two_on_power(0, power_w=599.0) == ["power_limit"]
    assert two_on_power(9, power_w=400.0) == ["power_limit"]
    assert two_on_power(10, power_w=400.0) == []
    assert two_on_power(60, power_w=300.0) == []
    assert two_on_power(59, power_w=300.0) == ["power_limit"]


def test_a_circuit_has_a_limit_of_its_own():
    assert two_on_power(9, circuits_w={"left": 400.0}) == ["circuit"]
    assert two_on_power(10, circuits_w={"left": 400.0}) == []
    assert two_on_power(9, circuits_w={"right": 400.0}) == []


def test_running_prints_draw_power_too():
    def starting(minute):
        hot = printer("b", ready_s=minutes(40), running=Running("x", heat_until_s=minutes(5)))
        return broken(shop(printer(), hot, job(), power_w=400.0), at(minute))

    assert starting(4) == ["power_limit"]
    assert starting(5) == []


def test_what_the_running_prints_draw_alone_is_not_the_plans_fault():
    hot = printer("b", ready_s=minutes(40), running=Running("x", heat_until_s=minutes(5)))
    problem = shop(printer(), hot, job(), power_w=299.0)
    assert broken(problem, left_out=(Unscheduled("j", 1, ()),)) == []
    assert [wrong.constraint for wrong in already_wrong(problem)] == ["power_limit"]
    assert set(broken(problem, at(2))) == {"power_limit"}


def test_maintenance_that_opens_in_a_running_print_is_shown_and_not_the_plans_fault():
    busy = printer(ready_s=minutes(40), running=Running("x"), blocked=(minutes(30, 90),))
    (wrong,) = already_wrong(shop(busy))
    assert wrong.constraint == "maintenance"
    assert wrong.what == "a prints until Fri 08:40, and is down for maintenance from Fri 08:30."
    assert already_wrong(shop(printer(ready_s=minutes(30), running=Running("x"), blocked=busy.blocked))) == []


def test_nothing_is_begun_before_its_release_nor_ends_after_its_deadline():
    released = shop(printer(plate_clear=False), job(release_s=minutes(30)))
    assert broken(released, at(35, hands=(30, 35))) == []
    assert broken(released, at(35, hands=(29, 34))) == ["release"]
    assert broken(shop(job(deadline_s=minutes(60))), at(0)) == []
    assert broken(shop(job(deadline_s=minutes(60))), at(1)) == ["deadline"]


def test_who_says_where_and_from_when_is_listened_to():
    problem = shop(printer(), printer("b"), job(on=("a", "b"), pin=Pin("b", minutes(30))))
    assert broken(problem, at(30, on="b")) == []
    assert broken(problem, at(29, on="b")) == ["required_printers"]
    assert broken(problem, at(30)) == ["required_printers"]


def test_the_stock_of_a_filament_covers_what_is_planned():
    jobs = job("j", grams=600.0), job("k", grams=400.0)
    line = at(0), at(65, "k", hands=(60, 65))
    assert broken(shop(*jobs, stock_g={BLACK: 1000.0}), *line) == []
    assert broken(shop(*jobs, stock_g={BLACK: 999.0}), *line) == ["filament"]
    assert broken(shop(*jobs, stock_g={WHITE: 1.0}), *line) == []
    anyway = job("j", grams=600.0), job("k", grams=600.0, allow_short_filament=True)
    assert broken(shop(*anyway, stock_g={BLACK: 600.0}), *line) == []


def test_what_is_to_be_begun_soon_stays_where_it_is_and_in_its_order():
    printers = printer(), printer("b")
    jobs = [job(name, on=("a", "b")) for name in "jk"]
    planned = at(0), at(65, "k", hands=(59, 64))
    problem = shop(*printers, *jobs, previous=before(*planned))
    assert broken(problem, at(0), at(65, "k", hands=(60, 65))) == []
    assert broken(problem, at(10), at(75, "k", hands=(70, 75))) == []  # later, but as people know it
    assert broken(problem, at(0, "k"), at(65, hands=(60, 65))) == ["frozen"]
    assert broken(problem, at(0), at(0, "k", "b")) == ["frozen"]


def test_what_lies_further_ahead_may_be_moved():
    planned = at(0), at(65, "k", hands=(60, 65))
    problem = shop(printer(), printer("b"), job("j"), job("k", on=("a", "b")), previous=before(*planned))
    assert broken(problem, at(0), at(0, "k", "b")) == []


def test_what_cannot_stay_is_let_go():
    planned = before(at(0, "j"), at(0, "k", "b"), at(0, "gone", "c"))
    held = held_in_order(shop(printer(), printer("b"), job("j"), job("k", on=("a",)), previous=planned))
    assert held == {"a": ["j"]}


def test_what_can_lose_its_place_to_a_deadline_may_go_or_stay():
    jobs = job("j", on=("a", "b"), deadline_s=minutes(500)), job("k"), job("m")
    planned = at(0), at(65, "k", hands=(59, 64))
    problem = shop(printer(), printer("b"), *jobs, previous=before(*planned))
    later = at(130, "m", hands=(125, 130))
    assert broken(problem, at(0), at(65, "k", hands=(60, 65)), later) == []
    assert broken(problem, at(0, "k"), at(0, on="b"), at(65, "m", hands=(60, 65))) == []
    assert broken(problem, at(0, "m"), at(0, on="b"), at(65, "k", hands=(60, 65))) == ["frozen"]


def test_of_two_that_both_need_the_one_person_at_once_one_is_let_go():
    printers = [printer(name, plate_clear=False) for name in "ab"]
    jobs = job("j", on=("a",)), job("k", on=("b",))
    planned = before(at(5, hands=(0, 5)), at(5, "k", "b", hands=(0, 5)))
    hours = (minutes(0, 9),)
    problem = shop(*printers, *jobs, staffed=hours, operators=1, previous=planned)
    one = at(5, hands=(0, 5))
    assert broken(problem, one, left_out=(Unscheduled("k", 1, ()),)) == []
    neither = (Unscheduled("j", 1, ()), Unscheduled("k", 1, ()))
    assert broken(problem, left_out=neither) == ["frozen", "frozen"]


def test_of_a_job_with_fewer_prints_than_before_no_more_are_held_than_there_are():
    planned = before(at(0, copy=0), at(0, on="b", copy=1))
    problem = shop(printer(), printer("b"), job(on=("a", "b")), previous=planned)
    assert held_in_order(problem) == {"a": ["j"]}


def test_a_violation_is_a_sentence_a_person_understands():
    problem = shop(printer(plate_clear=False), job(), staffed=(minutes(0, 60),))
    (violation,) = validate(problem, plan(at(65, hands=(60, 65))))
    assert violation.what == (
        "a has to be made ready for job j from Fri 09:00 to Fri 09:05, and people are not there all that"
        " time."
    )
