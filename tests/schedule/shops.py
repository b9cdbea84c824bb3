"""Small shops with a bit of everything, at random: for properties that hold of every plan."""

from hypothesis import strategies as st

from farm.schedule.problem import Filament, Job, Pin, Placed, Printer, Problem, Running
from tests.schedule.small_shop import NOW

HOUR = 3600
FILAMENTS = [Filament(material, colour) for material in ("PLA", "PETG") for colour in ("black", "white", "")]
LOADED = [None, *(one for one in FILAMENTS if one.colour)]
CIRCUITS = ["left", "right"]

minutes = st.integers(0, 48 * 60).map(lambda value: value * 60)
lengths = st.integers(1, 20 * 60).map(lambda value: value * 60)
grams = st.none() | st.floats(0, 1500)


def spans(begin=0):
    """Apart from each other and in order, over some days."""
    cuts = st.lists(st.integers(begin, 96 * 60), min_size=2, max_size=8, unique=True).map(sorted)
    return cuts.map(lambda at: tuple((a * 60, b * 60) for a, b in zip(at[::2], at[1::2], strict=False)))


@st.composite
def printers(draw, number):
    ready = draw(st.just(0) | minutes)
    return Printer(
        f"p{number}",
        ready_s=ready,
        plate_clear=draw(st.booleans()),
        loaded=draw(st.sampled_from(LOADED)),
        grams_left=draw(grams),
        heat_up_w=draw(st.integers(100, 600)),
        heat_up_s=draw(st.sampled_from([0, 90, 600])),
        printing_w=draw(st.integers(50, 200)),
        circuit=draw(st.sampled_from([None, *CIRCUITS])),
        auto_eject=draw(st.booleans()),
        attended=draw(st.integers(0, 5)) == 0,
        max_print_s=draw(st.none() | lengths),
        blocked=draw(st.just(()) | spans()),
        risk=draw(st.floats(0, 1)),
        running=Running("before", heat_until_s=min(ready, 300)) if ready else None,
    )


@st.composite
def jobs(draw, number, on):
    names = [printer.id for printer in on]
    release = draw(st.just(0) | minutes)
    return Job(
        f"j{number}",
        {name: draw(lengths) for name in draw(st.lists(st.sampled_from(names), unique=True))},
        copies=draw(st.integers(1, 3)),
        filament=draw(st.none() | st.sampled_from(FILAMENTS)),
        grams=draw(grams),
        allow_short_filament=draw(st.booleans()),
        weight=draw(st.sampled_from([1.0, 2.0, 8.0])),
        release_s=release,
        due_s=draw(st.none() | minutes),
        deadline_s=draw(st.none() | minutes),
        attended=draw(st.integers(0, 5)) == 0,
        preferred=frozenset(draw(st.lists(st.sampled_from(names)))),
        pin=draw(st.none() | st.builds(Pin, st.sampled_from(names), st.none() | minutes)),
    )


@st.composite
def shops(draw):
    on = [draw(printers(number)) for number in range(draw(st.integers(1, 4)))]
    wished = [draw(jobs(number, on)) for number in range(draw(st.integers(1, 7)))]
    before = {}
    for job in wished:
        for copy in range(job.copies):
            if draw(st.integers(0, 3)) == 0:
                at = draw(minutes)
                before[job.id, copy] = Placed(draw(st.sampled_from(on)).id, at, at + 600)
    return Problem(
        NOW,
        tuple(on),
        tuple(wished),
        staffed=draw(st.none() | spans()),
        operators=draw(st.none() | st.integers(1, 2)),
        power_w=draw(st.none() | st.integers(200, 1500)),
        circuits_w={name: draw(st.integers(200, 900)) for name in draw(st.sets(st.sampled_from(CIRCUITS)))},
        stock_g={one: draw(st.floats(0, 4000)) for one in draw(st.sets(st.sampled_from(FILAMENTS)))},
        previous=before,
        frozen_s=0,  # what is frozen may block itself here: each print could be, but not one after the other
    )
