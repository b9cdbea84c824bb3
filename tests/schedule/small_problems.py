"""Small problems of every kind for properties, and a search through all plans of one. Times in minutes."""

from collections.abc import Iterator
from itertools import count, permutations, product

from hypothesis import strategies as st

from farm.schedule.evaluate import evaluate, rank
from farm.schedule.problem import Filament, HandWork, Job, Pin, Placed, Printer, Problem, Running, Weights
from farm.schedule.result import Placement, Schedule, Unscheduled
from farm.schedule.shop import Shop
from farm.schedule.validate import validate
from tests.schedule.small_shop import NOW

MINUTE = 60
NAMES = ("a", "b")
FILAMENTS = (Filament("PLA", "black"), Filament("PLA", "white"), Filament("PETG", "black"))
HAND_WORK = HandWork(
    clear_s=MINUTE, colour_s=MINUTE, material_s=2 * MINUTE, spool_s=MINUTE, new_spool_g=100.0
)
SEARCHED = 30  # minutes: plans that go on for longer are none of those that are looked through
PATIENCE = 800  # plans looked at: where printers share people and power there may be millions

minutes = st.integers(0, 6).map(lambda number: number * MINUTE)
filaments = st.sampled_from(FILAMENTS)


@st.composite
def spans(draw, most):
    """Apart from each other and in order."""
    times = draw(st.lists(st.integers(1, 14), min_size=2, max_size=2 * most, unique=True).map(sorted))
    return tuple((start * MINUTE, end * MINUTE) for start, end in zip(times[::2], times[1::2], strict=False))


@st.composite
def printers(draw, name):
    ready = draw(minutes)
    running = ready and draw(st.booleans())
    return Printer(
        name,
        ready_s=ready,
        plate_clear=draw(st.booleans()),
        loaded=draw(st.none() | filaments),
        grams_left=draw(st.none() | st.sampled_from((0.0, 30.0, 70.5))),
        heat_up_w=draw(st.sampled_from((0.0, 300.0, 350.5))),
        heat_up_s=draw(st.sampled_from((0, MINUTE, 2 * MINUTE))),
        printing_w=draw(st.sampled_from((100.0, 150.25))),
        circuit=draw(st.none() | st.just("left")),
        auto_eject=draw(st.booleans()),
        eject_s=draw(st.sampled_from([0, 60, 120])),
        attended=draw(st.integers(0, 5)) == 0,
        blocked=draw(st.just(()) | spans(1)),
        risk=draw(st.sampled_from((0.0, 0.25))),
        running=Running("before", heat_until_s=min(ready, MINUTE)) if running else None,
    )


@st.composite
def jobs(draw, name):
    on = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    pin = st.builds(Pin, st.sampled_from(NAMES), st.none() | minutes)
    return Job(
        name,
        {printer: draw(st.integers(1, 6)) * MINUTE for printer in on},
        copies=draw(st.sampled_from((1, 1, 1, 2))),
        filament=draw(filaments | st.none()),
        grams=draw(st.none() | st.sampled_from((20.0, 40.25, 120.0))),
        allow_short_filament=draw(st.booleans()),
        weight=draw(st.sampled_from((1.0, 2.0, 0.5))),
        release_s=draw(st.just(0) | minutes),
        due_s=draw(st.none() | st.integers(-5, 15).map(lambda number: number * MINUTE)),
        deadline_s=draw(st.none() | st.none() | st.integers(4, 20).map(lambda number: number * MINUTE)),
        max_print_s=draw(st.none() | st.none() | st.just(4 * MINUTE)),
        attended=draw(st.integers(0, 5)) == 0,
        preferred=frozenset(draw(st.just(()) | st.just(("a",)))),
        pin=draw(st.none() | st.none() | st.none() | pin),
    )


@st.composite
def problems(draw, prints=3, steady=False):
    """Up to two printers and that many prints. steady: with a plan before, and people who were told of it."""
    machines = tuple(draw(printers(name)) for name in NAMES[: draw(st.integers(1, 2))])
    wishes: list[Job] = []
    for number in range(draw(st.integers(1, prints))):
        wish = draw(jobs(f"j{number}"))
        if sum(job.copies for job in wishes) + wish.copies <= prints:
            wishes.append(wish)
    places = st.builds(Placed, st.sampled_from(NAMES), minutes, minutes)
    before = {
        (job.id, copy): draw(places)
        for job in wishes
        for copy in range(job.copies)
        if steady and draw(st.booleans())
    }
    return Problem(
        NOW,
        machines,
        tuple(wishes),
        staffed=draw(st.none() | spans(3)),
        operators=draw(st.none() | st.just(1)),
        power_w=draw(st.none() | st.sampled_from((250.0, 450.75))),
        circuits_w=draw(st.just({}) | st.just({"left": 350.5})),
        stock_g=draw(st.just({}) | st.just({FILAMENTS[0]: 60.25})),
        hand_work=HAND_WORK,
        weights=Weights(
            tardiness=draw(st.sampled_from((10.0, 2.5))),
            flow=draw(st.sampled_from((0.0, 1.0))),
            makespan=draw(st.sampled_from((0.0, 10.0))),
            changeover=draw(st.sampled_from((0.0, 4.0))),
            hand_work=draw(st.sampled_from((0.0, 1.5))),
            non_preferred=20.0,
            other_printer=5.0 if steady else 0.0,
            doubtful=draw(st.sampled_from((0.0, 30.0))),
        ),
        previous=before,
        frozen_s=draw(st.sampled_from((0, 2 * MINUTE, 5 * MINUTE))),
    )


def schedule_of(problem: Problem, placements: tuple[Placement, ...]) -> Schedule:
    """A plan that says what it leaves out."""
    left = {job.id: job.copies for job in problem.jobs}
    for placement in placements:
        left[placement.job] -= 1
    return Schedule(placements, tuple(Unscheduled(job, copies, ()) for job, copies in left.items() if copies))


def better_plan(problem: Problem, than: Schedule) -> Schedule | None:
    """A plan that keeps to all rules and is better, found by looking through all there are; None: it is the
    best, or patience was at an end. Without a price for shifts nothing gets cheaper by being later, so that
    most need no look.
    """
    target, looks = rank(evaluate(problem, than)), count()
    for lines in _orders(problem):
        for placements in _timed(problem, lines, (), target, looks):
            found = schedule_of(problem, placements)
            if _is_less(rank(evaluate(problem, found)), target) and not validate(problem, found):
                return found
    return None


def _is_less(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return (one[0], one[1] + 1e-6) < other


def _orders(problem: Problem) -> Iterator[list[tuple[Printer, tuple[tuple[Job, int], ...]]]]:
    """Every printer's prints in every order, with whatever left out."""
    prints = [(job, copy) for job in problem.jobs for copy in range(job.copies)]
    for where in product((None, *problem.printers), repeat=len(prints)):
        chosen = list(zip(prints, where, strict=True))
        if all(printer is None or printer.id in job.estimate_s for (job, _), printer in chosen):
            sets = [[one for one, place in chosen if place is printer] for printer in problem.printers]
            for orders in product(*map(permutations, sets)):
                yield list(zip(problem.printers, orders, strict=True))


def _timed(
    problem: Problem,
    lines: list[tuple[Printer, tuple[tuple[Job, int], ...]]],
    before: tuple[Placement, ...],
    target: tuple[float, float],
    looks: Iterator[int],
) -> Iterator[tuple[Placement, ...]]:
    """The plans with these orders that may be better: printer after printer, print after print."""
    at = next(
        ((printer, order, done) for printer, order in lines if (done := _done(before, printer)) < len(order)),
        None,
    )
    if at is None:
        yield before
        return
    printer, order, done = at
    job, copy = order[done]
    shop, state = Shop(problem), Shop(problem).loaded(printer)
    for earlier, _ in order[:done]:
        state = shop.hands_on(printer, state, earlier)[1]
    work = shop.hands_on(printer, state, job)[0].total_s
    free = max([job.release_s, printer.ready_s, *(one.end for one in before if one.printer == printer.id)])
    length = job.estimate_s[printer.id]
    left_out = _left_out(problem, lines)
    for end in range(free + work + length, SEARCHED * MINUTE, MINUTE):
        start = end - length
        for begin in range(start - work, free - 1, -MINUTE) if work else (start,):
            one = Placement(job.id, copy, printer.id, begin, begin + work, start, end)
            plan = Schedule((*before, one))
            if not _is_less((left_out, evaluate(problem, plan).cost), target) or next(looks) > PATIENCE:
                return
            if _broken_for_good(problem, plan):
                continue
            yield from _timed(problem, lines, plan.placements, target, looks)
            if not _shared(problem):
                return  # the first that is possible is in nobody's way
            if problem.operators is None:
                break  # as good as any other time for the hand-work


def _shared(problem: Problem) -> bool:
    """Whether printers are in each other's way, or prints in the way of later ones by more than their end."""
    return bool(problem.operators is not None or problem.power_w is not None or problem.circuits_w)


def _done(placements: tuple[Placement, ...], printer: Printer) -> int:
    return sum(one.printer == printer.id for one in placements)


def _left_out(problem: Problem, lines: list[tuple[Printer, tuple[tuple[Job, int], ...]]]) -> float:
    placed = sum(job.weight for _, order in lines for job, _ in order)
    return sum(job.weight * job.copies for job in problem.jobs) - placed


def _broken_for_good(problem: Problem, plan: Schedule) -> bool:
    """Whether no further print can mend it. What is not yet planned is not asked for."""
    broken = validate(problem, plan)
    return any(violation.constraint not in ("copies", "frozen") for violation in broken)
