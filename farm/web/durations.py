"""What was learned of how long things take on a printer."""

from __future__ import annotations

from msgspec import Struct

from farm.access.rights import Action
from farm.domain.durations import Learned, Phase
from farm.store import durations
from farm.web.contract import Page
from farm.web.printers import readable
from farm.web.routes import Call, Route


class LearnedPhase(Struct, frozen=True):
    """How long one phase of a print takes on this printer. unit: of all figures.

    upload: seconds for each MB, counting one more than the file has. heat: from the start of a print until
    all is warm. print_slicer, print_motion: printing, as a multiple of what the slicer says or of what the
    farm reckons from the file's moves. cool: from the end until the bed is at 35 degC. clear: from the end
    until the plate is clear, while people are there.
    typical: as many take longer as shorter; nineteen times of twenty it lies between low and high. mean: of
    many, which is what is planned with. spread: standard deviation of the logarithm of one print. prints: of
    this printer that taught it; of_model, of_farm: of all of its model (null where nobody said which it is),
    and of all. The fewer its own are, the more the others count, and before all what is usual.
    """

    phase: Phase
    unit: str
    typical: float
    low: float
    high: float
    mean: float
    spread: float
    prints: int
    of_model: int | None
    of_farm: int
    sentence: str


async def show_durations(call: Call, printer: str) -> Page[LearnedPhase]:
    """How long sending, heating, printing, cooling and clearing take on a printer, as prints have shown."""
    found = await readable(call, printer)
    known = await call.desk.database.read(durations.known)
    items = []
    for phase in Phase:
        of_phase, mine = known.phases.get(phase), known.of(phase, printer)
        if of_phase is not None and mine is not None and of_phase.farm.count:
            model = of_phase.models.get(found.profile.model or "")
            items.append(_shown(phase, mine, None if model is None else model.count, of_phase.farm.count))
    return Page(items)


def _shown(phase: Phase, learned: Learned, of_model: int | None, of_farm: int) -> LearnedPhase:
    low, high = learned.bars
    return LearnedPhase(
        phase=phase,
        unit=UNITS[phase],
        typical=learned.typical,
        low=low,
        high=high,
        mean=learned.mean,
        spread=learned.spread,
        prints=learned.count,
        of_model=of_model,
        of_farm=of_farm,
        sentence=sentence(phase, learned),
    )


FEW_S = 90.0  # below, seconds are told

UNITS = {
    Phase.UPLOAD: "s/MB",
    Phase.HEAT: "s",
    Phase.PRINT_SLICER: "times the estimate",
    Phase.PRINT_MOTION: "times the estimate",
    Phase.COOL: "s",
    Phase.CLEAR: "s",
}


def sentence(phase: Phase, learned: Learned) -> str:
    """What it comes to, for people."""
    if phase in _ESTIMATES:
        low, high = learned.bars
        off = 50 * (high - low) / learned.typical
        return f"Prints take {_ratio(learned)} {_ESTIMATES[phase]}, ± {off:.0f} %, {_of(learned)}."
    return _TIMES[phase].format(_seconds(phase, learned), _of(learned))


_ESTIMATES = {
    Phase.PRINT_SLICER: "the slicer says",
    Phase.PRINT_MOTION: "the file's moves would take",
}

_TIMES = {
    Phase.UPLOAD: "A file is sent at {0}, {1}.",
    Phase.HEAT: "It is warm {0} after the start, {1}.",
    Phase.COOL: "Its bed lets go {0} after the end, {1}.",
    Phase.CLEAR: "Its plate is cleared {0} after the end while people are there, {1}.",
}


def _ratio(learned: Learned) -> str:
    off = round(100 * (learned.typical - 1))
    if not off:
        return "as long as"
    return f"{abs(off)} % {'longer' if off > 0 else 'less'} than"


def _seconds(phase: Phase, learned: Learned) -> str:
    if phase is Phase.UPLOAD:
        mb_per_s = 1 / learned.typical
        return f"{mb_per_s:.1f} MB/s" if mb_per_s >= 1 else f"{1000 * mb_per_s:.0f} kB/s"
    low, high = learned.bars
    usual_s, off_s = learned.typical, (high - low) / 2
    if usual_s < FEW_S:
        return f"{usual_s:.0f} s (± {off_s:.0f})"
    return f"{usual_s / 60:.1f} min (± {off_s / 60:.1f})"


def _of(learned: Learned) -> str:
    if not learned.count:
        return "by what others show"
    return f"of {learned.count} print{'s' if learned.count > 1 else ''}"


ROUTES = (Route("GET", "/v1/printers/<printer>/durations", show_durations, Action.READ),)
