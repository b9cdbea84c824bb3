"""How long things really take, learned from what was printed: log-normal, by printer, model and farm. Pure.

Of every phase of a print the logarithm is taken to be normal around a centre of the printer's own. Printers
of one model have centres near the model's, models near the farm's, and the farm's is near what one would
guess. What is known of a centre is what all prints say of it together; the fewer there are of its own, the
more it leans on the others (a normal hierarchy, in which information flows up and down exactly once).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean, median

MOST_OFF = 3.5  # robust standard deviations from the median; what is farther teaches nothing
MAD_TO_SD = 1.4826
SURE_95 = 1.96
LEAST, MOST = 1e-4, 1e6  # of a factor, or of seconds; anything else was measured wrongly


class Phase(StrEnum):
    """What is measured of a print.

    Sending its file: seconds for each MB, and as much once more. Heating: seconds from its start until all
    heaters are warm. Printing, from then on: times what was estimated, by who estimated. Cooling: seconds
    from its end until the bed lets go. Clearing: seconds from its end to the empty plate, people being there.
    """

    UPLOAD = "upload"
    HEAT = "heat"
    PRINT_SLICER = "print_slicer"
    PRINT_MOTION = "print_motion"
    COOL = "cool"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Prior:
    """What one would guess of a phase before anything was printed. usual: seconds, or a factor.

    The rest are standard deviations of logarithms: unsure, of the guess; models, of models around the farm;
    printers, of printers around their model; spread, of prints on one printer.
    """

    usual: float
    unsure: float
    models: float
    printers: float
    spread: float


PRIORS: Mapping[Phase, Prior] = {
    Phase.UPLOAD: Prior(1.0, 1.5, 0.7, 0.5, 0.5),
    Phase.HEAT: Prior(300.0, 0.7, 0.4, 0.2, 0.3),
    Phase.PRINT_SLICER: Prior(1.0, 0.2, 0.15, 0.05, 0.1),
    Phase.PRINT_MOTION: Prior(1.0, 0.3, 0.15, 0.05, 0.15),
    Phase.COOL: Prior(900.0, 0.7, 0.4, 0.2, 0.3),
    Phase.CLEAR: Prior(300.0, 1.0, 0.2, 0.2, 0.8),
}
WORTH = 5  # prints that the guessed spread counts for


@dataclass(frozen=True, slots=True)
class Measured:
    """One print as its printer was watched, in seconds. heat_s: from its start until all was warm, None where
    it was from the start, or nobody could tell. print_s: the rest. upload_s: of the last try to send it, None
    where nothing was sent; sent_bytes: in that."""

    print_s: float
    heat_s: float | None = None
    upload_s: float | None = None
    sent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Fit:
    """One printer's own prints. centre, spread: mean and standard deviation of the logarithms."""

    count: int = 0
    centre: float = 0.0
    spread: float = 0.0


def is_sound(value: float) -> bool:
    """Whether it may have been measured at all."""
    return LEAST <= value <= MOST


def fit(values: Sequence[float], usual_spread: float) -> Fit:
    """The log-normal distribution of these, all sound; what lies far off is left out, and not counted.

    usual_spread: of few values nobody can tell which lie off; it is at least this that is far.
    """
    if not values:
        return Fit()
    logs = [math.log(value) for value in values]
    middle = median(logs)
    scale = max(MAD_TO_SD * median(abs(one - middle) for one in logs), usual_spread)
    kept = [one for one in logs if abs(one - middle) <= MOST_OFF * scale]
    centre = fmean(kept)
    squares = sum((one - centre) ** 2 for one in kept)
    return Fit(len(kept), centre, math.sqrt(squares / (len(kept) - 1)) if len(kept) > 1 else 0.0)


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known of a phase on one printer, of one model or in the whole farm.

    centre: the logarithm of what is usual; unsure: its standard deviation. spread: of one print around it.
    count: its own prints; for models and the farm, those of their printers.
    """

    centre: float
    unsure: float
    spread: float
    count: int

    @property
    def typical(self) -> float:
        """As many take longer as take less."""
        return math.exp(self.centre)

    @property
    def mean(self) -> float:
        """What many come to, each: for plans, where what follows waits for all that was before.

        Means add up; ten prints that each take what is typical together take longer than ten times that.
        """
        return math.exp(self.centre + self.spread**2 / 2)

    @property
    def bars(self) -> tuple[float, float]:
        """What is typical lies between these, 19 times of 20."""
        return math.exp(self.centre - SURE_95 * self.unsure), math.exp(self.centre + SURE_95 * self.unsure)

    @property
    def one_more(self) -> float:
        """Standard deviation of the logarithm of the next print, all that is not known included."""
        return math.hypot(self.spread, self.unsure)


@dataclass(frozen=True, slots=True)
class Own:
    """What was measured on one printer. model: None where nobody says."""

    printer: str
    model: str | None
    fit: Fit = Fit()


@dataclass(frozen=True, slots=True)
class OfPhase:
    """Of one phase. printers: by their ids. models: by their names."""

    farm: Learned
    models: Mapping[str, Learned]
    printers: Mapping[str, Learned]


def learn(owns: Sequence[Own], prior: Prior) -> OfPhase:
    """What follows for each printer, model and the farm; printers without any print are told, too."""
    spreads = _spreads(owns, prior)
    data = {own.printer: _Belief.of(own.fit, spreads[own.printer]) for own in owns}
    told = {own.printer: data[own.printer].loosened(prior.printers) for own in owns}
    by_model: dict[str | tuple[str], list[Own]] = defaultdict(list)
    for own in owns:
        by_model[own.model or (own.printer,)].append(own)  # one of which nobody knows the model is its own
    of_printers = {model: _sum(told[own.printer] for own in mine) for model, mine in by_model.items()}
    of_models = {model: belief.loosened(prior.models) for model, belief in of_printers.items()}
    farm = _sum([_Belief.around(math.log(prior.usual), prior.unsure), *of_models.values()])
    models = {
        model: of_printers[model].plus(farm.without(of_models[model]).loosened(prior.models))
        for model in by_model
    }
    printers: dict[str, Learned] = {}
    for model, mine in by_model.items():
        for own in mine:
            others = models[model].without(told[own.printer]).loosened(prior.printers)
            belief = data[own.printer].plus(others)
            printers[own.printer] = belief.learned(spreads[own.printer], own.fit.count)
    pooled = _pooled(owns, prior)
    counts = {model: sum(own.fit.count for own in mine) for model, mine in by_model.items()}
    return OfPhase(
        farm.learned(pooled, sum(counts.values())),
        {
            model: belief.learned(pooled, counts[model])
            for model, belief in models.items()
            if isinstance(model, str)
        },
        printers,
    )


@dataclass(frozen=True, slots=True)
class _Belief:
    """A normal belief about a centre, as it adds up: its weight is one over its variance."""

    weight: float = 0.0
    pull: float = 0.0  # weight times mean

    @classmethod
    def around(cls, mean: float, sd: float) -> _Belief:
        return cls(sd**-2, mean * sd**-2)

    @classmethod
    def of(cls, own: Fit, spread: float) -> _Belief:
        weight = own.count / spread**2
        return cls(weight, weight * own.centre)

    def plus(self, other: _Belief) -> _Belief:
        return _Belief(self.weight + other.weight, self.pull + other.pull)

    def without(self, other: _Belief) -> _Belief:
        return _Belief(max(0.0, self.weight - other.weight), self.pull - other.pull)

    def loosened(self, sd: float) -> _Belief:
        """What it says of something that lies around it."""
        if self.weight <= 0:
            return _Belief()
        looser = 1 / (1 / self.weight + sd**2)
        return _Belief(looser, looser * self.pull / self.weight)

    def learned(self, spread: float, count: int) -> Learned:
        return Learned(self.pull / self.weight, self.weight**-0.5, spread, count)


def _sum(beliefs: Iterable[_Belief]) -> _Belief:
    found = _Belief()
    for belief in beliefs:
        found = found.plus(belief)
    return found


def _pooled(owns: Iterable[Own], prior: Prior) -> float:
    weights = [(max(0, own.fit.count - 1), own.fit.spread) for own in owns]
    squares = WORTH * prior.spread**2 + sum(weight * spread**2 for weight, spread in weights)
    return math.sqrt(squares / (WORTH + sum(weight for weight, _ in weights)))


def _spreads(owns: Sequence[Own], prior: Prior) -> dict[str, float]:
    """Of each printer's prints; few lean on those of all."""
    pooled = _pooled(owns, prior)
    return {
        own.printer: math.sqrt(
            (WORTH * pooled**2 + max(0, own.fit.count - 1) * own.fit.spread**2)
            / (WORTH + max(0, own.fit.count - 1))
        )
        for own in owns
    }


MEGABYTE = 1_000_000
UPLOAD_ALWAYS_MB = 1.0  # what takes time however small a file is


@dataclass(frozen=True, slots=True)
class Estimated:
    """How long a print is said to take, in seconds. phase: by whom. heat_s: what comes beside `print_s`."""

    phase: Phase
    print_s: float
    heat_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a printer really is, on average. ratio: to what is estimated. heat_s: None for what is
    estimated; upload_s: for each MB, None where nobody knows and it is left out."""

    ratio: float
    heat_s: float | None
    upload_s: float | None

    def takes_s(self, estimated: Estimated, mb: float | None = None) -> float:
        """From the first byte that is sent to its end. mb: of its file, None where that is there already."""
        heat_s = estimated.heat_s if self.heat_s is None else self.heat_s
        sending = self.upload_s is not None and mb is not None
        upload_s = (self.upload_s or 0.0) * (UPLOAD_ALWAYS_MB + (mb or 0.0)) if sending else 0.0
        return upload_s + heat_s + estimated.print_s * self.ratio


@dataclass(frozen=True, slots=True)
class Durations:
    """All that was learned; phases of which nothing was measured are not in it."""

    phases: Mapping[Phase, OfPhase] = field(default_factory=dict)

    def of(self, phase: Phase, printer: str) -> Learned | None:
        """None where nobody has measured it anywhere, or the printer is not known."""
        found = self.phases.get(phase)
        return None if found is None else found.printers.get(printer)

    def everywhere(self, phase: Phase) -> Learned | None:
        """In the whole farm; None where nobody has measured it."""
        found = self.phases.get(phase)
        return None if found is None else found.farm

    def pace(self, printer: str, phase: Phase) -> Pace:
        """How a printer goes about files of which this phase is estimated."""
        ratio, heat = self.of(phase, printer), self.of(Phase.HEAT, printer)
        upload = self.of(Phase.UPLOAD, printer)
        return Pace(
            1.0 if ratio is None else ratio.mean,
            None if heat is None else heat.mean,
            None if upload is None else upload.mean,
        )

    def spread(self, printer: str) -> float | None:
        """Standard deviation of the logarithm of how long a print takes there to what is expected; None where
        no print was ever measured."""
        found = [self.of(phase, printer) for phase in (Phase.PRINT_SLICER, Phase.PRINT_MOTION)]
        return max((one.one_more for one in found if one is not None), default=None)


NOTHING_LEARNED = Durations()
