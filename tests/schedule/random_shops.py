"""Any shop at all, small: every rule may be in it, and any of them may be impossible to keep."""

from hypothesis import strategies as st

from farm.schedule.problem import (
    Filament,
    HandWork,
    Job,
    Pin,
    Placed,
    Printer,
    Problem,
    Running,
    Weights,
)
from farm.schedule.spans import merged
from tests.schedule.small_shop import NOW

DAY = 86_400
NAMES = ("a", "b", "c", "d")
CIRCUITS = ("left", "right")

seconds = st.integers(0, 2 * DAY)
filaments = st.builds(Filament, st.sampled_from(["PLA", "PETG"]), st.sampled_from(["black", "white"]))
wishes = st.one_of(st.none(), filaments, st.just(Filament("PLA", "")))


def spans(most: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    one = st.tuples(seconds, st.integers(1, DAY // 2)).map(lambda span: (span[0], span[0] + span[1]))
    return st.lists(one, max_size=most).map(merged)


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.none(), strategy)


@st.composite
def printers(draw: st.DrawFn, name: str) -> Printer:
    busy = draw(st.booleans())
    ready_s = draw(st.integers(1, DAY // 2)) if busy else 0
    heat_until_s = draw(st.integers(0, 1200))
    return Printer(
        name,
        ready_s=ready_s,
        plate_clear=not busy and draw(st.integers(0, 2)) == 0,
        loaded=draw(maybe(filaments)),
        grams_left=draw(maybe(st.integers(0, 1000).map(float))),
        heat_up_w=draw(st.sampled_from([0.0, 300.0, 350.0])),
        heat_up_s=draw(st.sampled_from([0, 300, 600])),
        printing_w=draw(st.sampled_from([0.0, 100.0, 120.0])),
        circuit=draw(maybe(st.sampled_from(CIRCUITS))),
        auto_eject=draw(st.integers(0, 4)) == 4,
        eject_s=draw(st.sampled_from([0, 300, 1800])),
        attended=draw(st.integers(0, 7)) == 7,
        max_print_s=draw(st.one_of(st.none(), st.none(), st.integers(3600, DAY))),
        blocked=draw(st.one_of(st.just(()), spans(2))),
        risk=draw(st.sampled_from([0.0, 0.3])),
        running=Running("running", heat_until_s) if busy and draw(st.booleans()) else None,
    )


@st.composite
def jobs(draw: st.DrawFn, name: str, on: tuple[str, ...]) -> Job:
    able = on if draw(st.booleans()) else draw(st.sets(st.sampled_from(on)))
    release_s = draw(st.one_of(st.just(0), st.just(0), seconds))
    wanted = st.integers(60, DAY // 3)
    return Job(
        name,
        {printer: draw(wanted) for printer in sorted(able)},
        copies=draw(st.integers(1, 3)),
        filament=draw(wishes),
        grams=draw(maybe(st.integers(0, 700).map(float))),
        allow_short_filament=draw(st.booleans()),
        weight=draw(st.sampled_from([1.0, 2.0, 4.0, 8.0])),
        release_s=release_s,
        due_s=draw(maybe(seconds)),
        deadline_s=draw(st.one_of(st.none(), st.none(), seconds.map(lambda after: release_s + after))),
        max_print_s=draw(st.one_of(st.none(), st.none(), wanted)),
        attended=draw(st.integers(0, 5)) == 5,
        preferred=frozenset(draw(st.sets(st.sampled_from(on), max_size=2))),
        pin=draw(st.one_of(st.none(), st.none(), st.builds(Pin, st.sampled_from(on), maybe(seconds)))),
    )


@st.composite
def shops(draw: st.DrawFn, most_printers: int = 4, most_jobs: int = 6) -> Problem:
    """A problem with up to so many printers and jobs; half of them with a plan that was there before."""
    names = NAMES[: draw(st.integers(1, most_printers))]
    wanted = [draw(jobs(f"job{number}", names)) for number in range(draw(st.integers(0, most_jobs)))]
    limits = st.sampled_from([250.0, 350.0, 500.0, 700.0])
    return Problem(
        now=NOW,
        printers=tuple(draw(printers(name)) for name in names),
        jobs=tuple(wanted),
        staffed=draw(st.one_of(st.none(), st.just(((0, DAY // 3), (DAY, DAY + DAY // 3))), spans(4))),
        operators=draw(st.sampled_from([None, 1, 1, 2])),
        power_w=draw(maybe(limits)),
        circuits_w=draw(st.dictionaries(st.sampled_from(CIRCUITS), limits)),
        stock_g=draw(
            st.one_of(st.just({}), st.dictionaries(filaments, st.integers(0, 2000).map(float), max_size=2))
        ),
        max_print_s=draw(st.one_of(st.none(), st.none(), st.integers(3600, DAY))),
        hand_work=HandWork(spool_s=draw(st.sampled_from([0, 300]))),
        weights=Weights(hand_work=1.0, other_printer=50.0, shift=0.5, doubtful=10.0),
        previous=draw(st.one_of(st.just({}), plans_before(tuple(wanted), names))),
        zone="Europe/Berlin",
    )


@st.composite
def plans_before(
    draw: st.DrawFn, wanted: tuple[Job, ...], names: tuple[str, ...]
) -> dict[tuple[str, int], Placed]:
    """Some of the prints, on any printers, one of which may be gone."""
    before = {}
    for job in wanted:
        for copy in range(job.copies):
            if draw(st.booleans()):
                start = draw(st.one_of(st.integers(0, 7200), seconds))
                before[job.id, copy] = Placed(draw(st.sampled_from([*names, "gone"])), start, start)
    return before
