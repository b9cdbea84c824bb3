"""What runs with nobody there, and what the morning brings."""

from farm.schedule.chances import chances
from farm.schedule.night import nights, tonight
from farm.schedule.problem import Running
from tests.schedule.small_shop import WHITE, at, job, minutes, plan, printer, shop

DAY = 24 * 60
HOURS = (minutes(0, 600), minutes(DAY, DAY + 600))  # 08:00 to 18:00


def test_a_shop_that_is_always_open_has_no_night():
    assert tonight(shop(job()), plan(at(0))) is None


def test_a_night_is_told_with_what_runs_and_what_the_morning_brings():
    jobs = job("j", takes=300), job("k", on=("b",), takes=900), job("m"), job("n", filament=WHITE, on=("b",))
    busy = printer("c", ready_s=minutes(700), plate_clear=False, running=Running("x"))
    problem = shop(printer(plate_clear=False), printer("b"), busy, *jobs, staffed=HOURS)
    schedule = plan(
        at(595, takes=300, hands=(590, 595)),
        at(560, "k", "b", takes=900),
        at(DAY + 5, "m", hands=(DAY, DAY + 5)),
        at(DAY + 35, "n", "b", hands=(DAY + 20, DAY + 35)),
    )
    night = tonight(problem, schedule)
    assert night.span == minutes(600, DAY)
    assert (night.printing, night.ending) == (3, 2)
    assert night.printed_s == minutes(295) + minutes(840) + minutes(100)
    assert [task.before for task in night.morning] == ["m", "n"]
    assert night.sentences == (
        "Nobody is there from Fri 18:00 to Sat 08:00: 3 printers print for 20 h 35 min in all, 2 prints will "
        "have ended by then.",
        "Before 18:00: 1 plate to clear (5 min of work).",
        "From 08:00: 2 plates to clear, 1 spool to load (20 min of work).",
    )


def test_a_night_tells_what_printers_push_off_by_themselves():
    ejects = printer(auto_eject=True, eject_s=1800, plate_clear=False)
    problem = shop(ejects, job(), job("k"), staffed=HOURS)
    schedule = plan(at(630, hands=(600, 630)), at(720, "k", hands=(690, 720)))
    night = tonight(problem, schedule)
    assert night.pushed_off == 2
    assert "2 prints are pushed off with nobody there." in night.sentences
    assert night.evening == night.morning == ()


def test_a_break_for_lunch_is_no_night_and_a_night_without_prints_is_said_to_be_one():
    problem = shop(job(), job("k"), staffed=(minutes(0, 200), minutes(230, 600), HOURS[1]))
    schedule = plan(at(0), at(DAY + 65, "k", hands=(DAY + 60, DAY + 65)))
    (night,) = nights(problem, schedule)
    assert night.sentences == ("Nobody is there from Fri 18:00 to Sat 08:00, and nothing prints.",)


def test_every_night_until_the_last_print_is_told():
    problem = shop(job(takes=3 * DAY), staffed=HOURS)
    assert [night.span for night in nights(problem, plan(at(0, takes=3 * DAY)))] == [
        minutes(600, DAY),
        minutes(DAY + 600, 3 * DAY),
    ]


def test_where_prints_are_known_to_be_off_it_is_told_how_many_may_have_ended():
    problem = shop(printer(spread=0.1), job("k", takes=600), staffed=(minutes(0, 60), minutes(610, 700)))
    planned = plan(at(0, "k", takes=600))
    sure = chances(problem, planned)
    (night,) = nights(problem, planned, sure)
    assert night.between == (0, 1)
    assert (
        "1 print ought to have ended by then, and 0 to 1 will have, nine times of ten." in night.sentences[0]
    )
    assert nights(problem, planned)[0].between is None
