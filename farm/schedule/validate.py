"""Whether a plan keeps to all that it must: each line of the rules, counted anew from the plan alone.

Nothing here knows how a plan is made. What the search believes about power, people and time is believed by
nobody here, so that a mistake has to be made twice before a plan goes wrong unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from farm.schedule.problem import FOREVER, Job, Printer, Problem, Reason
from farm.schedule.result import Placement, Schedule, Violation
from farm.schedule.rules import Rule
from farm.schedule.shop import HandsOn, Shop, by_printer
from farm.schedule.slots import Room
from farm.schedule.spans import holding, meeting
from farm.schedule.steps import ROUNDING, Steps, power, running_draws
from farm.schedule.words import at, counted, filament, grams, lasting, listed, watts


def validate(problem: Problem, schedule: Schedule) -> list[Violation]:
    """What is wrong with the plan, a sentence each; nothing when it can be carried out.

    Prints of jobs or on printers that are not in the problem are named, and then left out of the rest.
    """
    return [violation for rule in _RULES for violation in rule(_Plan(problem, schedule))]


def already_wrong(problem: Problem) -> list[Violation]:
    """What no plan can mend: a running print into which a maintenance window opens, or that draws too much.

    Such a print is never touched; people are told.
    """
    found = []
    for printer in problem.printers:
        window = meeting(printer.blocked, (0, printer.ready_s)) if printer.running is not None else None
        if window is not None:
            said = f"{printer.id} prints until {at(problem, printer.ready_s)}, and is down for maintenance"
            found.append(Violation(Rule.MAINTENANCE, printer.id, f"{said} from {at(problem, window[0])}."))
    for circuit, limit in _limits(problem):
        drawn = Steps(running_draws(problem, circuit)).peak
        if drawn > limit + ROUNDING:
            name = _circuit_words(circuit)
            said = f"The running prints draw {watts(drawn)} {name}, where {watts(limit)} are allowed."
            found.append(Violation(Rule.CIRCUIT if circuit else Rule.POWER, circuit or "", said))
    return found


class _Plan:
    """A plan in the orders in which it is looked at; only prints whose job and printer are known."""

    def __init__(self, problem: Problem, schedule: Schedule) -> None:
        self.problem = problem
        self.schedule = schedule
        self.shop = Shop(problem)
        self.known = [
            one
            for one in schedule.placements
            if one.job in self.shop.jobs and one.printer in self.shop.printers
        ]
        self.on = by_printer(self.known)
        self.hands: list[tuple[Placement, HandsOn]] = [
            pair
            for printer, line in self.on.items()
            for pair in self.shop.hands_in_order(self.shop.printers[printer], line)
        ]

    def at(self, seconds: int) -> str:
        return at(self.problem, seconds)

    def job(self, placement: Placement) -> Job:
        return self.shop.jobs[placement.job]


def _limits(problem: Problem) -> Iterator[tuple[str | None, float]]:
    """Every limit of power there is, by the circuit; None for the farm's."""
    if problem.power_w is not None:
        yield None, problem.power_w
    yield from problem.circuits_w.items()


def _circuit_words(circuit: str | None) -> str:
    return "in all" if circuit is None else f"on circuit {circuit}"


def _named(plan: _Plan) -> Iterator[Violation]:
    for one in plan.schedule.placements:
        if one.job not in plan.shop.jobs:
            yield Violation(Rule.COPIES, one.job, f"There is no job {one.job} to be planned.")
        if one.printer not in plan.shop.printers:
            yield Violation(
                Rule.COMPATIBILITY, one.job, f"Job {one.job} is planned on {one.printer}, which is not there."
            )


def _copies(plan: _Plan) -> Iterator[Violation]:
    """Every print is planned once, or said to be left out."""
    placed = Counter((one.job, one.copy) for one in plan.known)
    left_out: Counter[str] = Counter()
    for missing in plan.schedule.unscheduled:
        left_out[missing.job] += missing.copies
    for (job, copy), times in placed.items():
        if times > 1:
            yield Violation(Rule.COPIES, job, f"Print {copy + 1} of job {job} is planned {times} times.")
        if not 0 <= copy < plan.shop.jobs[job].copies:
            wanted = counted(plan.shop.jobs[job].copies, "print")
            yield Violation(Rule.COPIES, job, f"Job {job} is {wanted}; print {copy + 1} is not one of them.")
    different = Counter(job for job, _ in placed)
    for wish in plan.problem.jobs:
        told = different[wish.id] + left_out[wish.id]
        if told != wish.copies:
            yield Violation(
                Rule.COPIES,
                wish.id,
                f"Of job {wish.id} {counted(wish.copies, 'print')} are wanted: {different[wish.id]} planned "
                f"and {left_out[wish.id]} left out make {told}.",
            )


def _compatible(plan: _Plan) -> Iterator[Violation]:
    for one in plan.known:
        if one.printer not in plan.job(one).estimate_s:
            why = next((why for why in plan.job(one).excluded if why.printer == one.printer), None)
            said = "" if why is None else f": {_reason(why)}"
            yield Violation(Rule.COMPATIBILITY, one.job, f"{one.printer} cannot print job {one.job}{said}.")


def _reason(why: Reason) -> str:
    return f"{why.constraint} (needed: {why.needed}; there: {why.have})"


def _estimates(plan: _Plan) -> Iterator[Violation]:
    """A print takes as long as it is estimated, and no longer than is allowed."""
    for one in plan.known:
        length = one.end - one.start
        estimate = plan.job(one).estimate_s.get(one.printer, length)
        if length != estimate:
            yield Violation(
                Rule.ESTIMATE,
                one.job,
                f"Job {one.job} takes {lasting(estimate)} on {one.printer}; planned are {lasting(length)}.",
            )
        limit = plan.shop.max_print_s(plan.shop.printers[one.printer], plan.job(one))
        if limit is not None and estimate > limit:
            yield Violation(
                Rule.MAX_PRINT_TIME,
                one.job,
                f"Job {one.job} prints {lasting(estimate)} on {one.printer}; {lasting(limit)} are allowed.",
                one.printer,
            )


def _in_turn(plan: _Plan) -> Iterator[Violation]:
    """A printer does one thing after the other, and nothing before what it does now has ended."""
    for one in plan.known:
        ready = plan.shop.printers[one.printer].ready_s
        if not 0 <= one.hand_work_start <= one.hand_work_end <= one.start <= one.end:
            said = f"The times of job {one.job} on {one.printer} are not in order, or lie before now."
            yield Violation(Rule.ESTIMATE, one.job, said)
        elif one.hand_work_start < ready:
            yield Violation(
                Rule.RUNNING,
                one.printer,
                f"{one.printer} is taken until {plan.at(ready)}; job {one.job} would need it from "
                f"{plan.at(one.hand_work_start)}.",
            )
    for printer, line in plan.on.items():
        for before, after in pairwise(line):
            if after.hand_work_start < before.end:
                yield Violation(
                    Rule.OCCUPIED,
                    printer,
                    f"{printer} prints job {before.job} until {plan.at(before.end)}; job {after.job} would "
                    f"need it from {plan.at(after.hand_work_start)}.",
                )


def _hand_work(plan: _Plan) -> Iterator[Violation]:
    """Clearing the plate and changing the filament take what they take, while people are there."""
    for one, hands in plan.hands:
        planned = one.hand_work_end - one.hand_work_start
        if planned != hands.total_s:
            yield Violation(
                Rule.HAND_WORK,
                one.job,
                f"Before job {one.job} there are {lasting(hands.total_s)} of work to do at {one.printer}; "
                f"planned are {lasting(planned)}.",
            )
        span = (one.hand_work_start, one.hand_work_end)
        staffed = plan.problem.staffed
        if hands.person_s and staffed is not None and holding(staffed, span) is None:
            yield Violation(
                Rule.WORKING_HOURS,
                one.job,
                f"{one.printer} has to be made ready for job {one.job} from {plan.at(span[0])} to "
                f"{plan.at(span[1])}, and people are not there all that time.",
                one.printer,
            )


def _attended(plan: _Plan) -> Iterator[Violation]:
    for one in plan.known:
        watched = plan.job(one).attended or plan.shop.printers[one.printer].attended
        staffed = plan.problem.staffed
        if watched and staffed is not None and holding(staffed, (one.start, one.end)) is None:
            yield Violation(
                Rule.ATTENDED,
                one.job,
                f"Job {one.job} has to be watched on {one.printer}, and from {plan.at(one.start)} to "
                f"{plan.at(one.end)} people are not there all the time.",
                one.printer,
            )


def _maintenance(plan: _Plan) -> Iterator[Violation]:
    for one in plan.known:
        window = meeting(plan.shop.printers[one.printer].blocked, (one.hand_work_start, one.end))
        if window is not None:
            yield Violation(
                Rule.MAINTENANCE,
                one.job,
                f"{one.printer} is down for maintenance from {plan.at(window[0])} to {plan.at(window[1])}; "
                f"job {one.job} would need it from {plan.at(one.hand_work_start)} to {plan.at(one.end)}.",
                one.printer,
            )


def _operators(plan: _Plan) -> Iterator[Violation]:
    limit = plan.problem.operators
    if limit is None:
        return
    at_work = Steps(
        (one.hand_work_start, one.hand_work_end, 1.0) for one, hands in plan.hands if hands.person_s
    )
    for (start, end), busy in at_work.over((0, FOREVER), limit):
        yield Violation(
            Rule.OPERATORS,
            "",
            f"From {plan.at(start)} to {plan.at(end)} {round(busy)} printers would be made ready at once, by "
            f"{counted(limit, 'person')}.",
        )


def _power(plan: _Plan) -> Iterator[Violation]:
    """Never more than the limit; what the running prints draw by themselves is not the plan's fault."""
    for circuit, limit in _limits(plan.problem):
        running = Steps(running_draws(plan.problem, circuit))
        for (start, end), drawn in power(plan.shop, plan.known, circuit).over((0, FOREVER), limit):
            alone = next(iter(running.over((start, end), limit)), None)
            if alone is not None and alone[1] >= drawn - ROUNDING:
                continue
            yield Violation(
                Rule.CIRCUIT if circuit else Rule.POWER,
                circuit or "",
                f"From {plan.at(start)} to {plan.at(end)} {watts(drawn)} would be drawn "
                f"{_circuit_words(circuit)}, where {watts(limit)} are allowed.",
            )


def _dates(plan: _Plan) -> Iterator[Violation]:
    for one in plan.known:
        job = plan.job(one)
        if one.hand_work_start < job.release_s:
            yield Violation(
                Rule.RELEASE,
                job.id,
                f"Job {job.id} may be begun from {plan.at(job.release_s)}; planned is "
                f"{plan.at(one.hand_work_start)}.",
            )
        if job.deadline_s is not None and one.end > job.deadline_s:
            yield Violation(
                Rule.DEADLINE,
                job.id,
                f"Job {job.id} is of no use after {plan.at(job.deadline_s)}; it would be done "
                f"{plan.at(one.end)}.",
            )


def _pins(plan: _Plan) -> Iterator[Violation]:
    for one in plan.known:
        pin = plan.job(one).pin
        if pin is None:
            continue
        if one.printer != pin.printer:
            said = f"Job {one.job} has to be printed on {pin.printer}; planned is {one.printer}."
            yield Violation(Rule.PIN, one.job, said)
        elif pin.start_s is not None and one.start < pin.start_s:
            said = f"Job {one.job} is not to start before {plan.at(pin.start_s)}; planned is"
            yield Violation(Rule.PIN, one.job, f"{said} {plan.at(one.start)}.")


def _stock(plan: _Plan) -> Iterator[Violation]:
    taken: Counter[object] = Counter()
    jobs: dict[object, list[str]] = {}
    for one in plan.known:
        job = plan.job(one)
        if job.filament in plan.problem.stock_g and job.grams is not None and not job.allow_short_filament:
            taken[job.filament] += job.grams  # type: ignore[assignment]
            jobs.setdefault(job.filament, []).append(job.id)
    for what, stock in plan.problem.stock_g.items():
        if taken[what] > stock + ROUNDING:
            names = listed(list(dict.fromkeys(jobs[what]))[:5])
            said = f"{grams(taken[what])} of {filament(what)} are planned to be printed ({names}); there are"
            yield Violation(Rule.STOCK, "", f"{said} {grams(stock)}.")


def _frozen(plan: _Plan) -> Iterator[Violation]:
    """What was planned to be begun soon comes first on its printer, in its order, unless that cannot be.

    Prints of a job are alike, so it is asked for its jobs, not for its copies.
    """
    every = _held(plan.problem)
    for printer, held in every.items():
        line = [one.job for one in plan.on.get(printer, [])]
        if not _keeps(line, held) and not _keeps(line, _that_can_be(plan, printer, every)):
            yield Violation(
                Rule.FROZEN,
                printer,
                f"{printer} was to print {listed([one.job for one in held])} next, as people have been told; "
                f"planned is {listed(line[: len(held)]) or 'nothing'}.",
            )


def _that_can_be(plan: _Plan, printer: str, every: Mapping[str, Sequence[_Held]]) -> list[_Held]:
    """What is held at the printer without what the other held prints leave no people, time or power for."""
    names = {name: {one.job for one in held} for name, held in every.items()}
    kept = [one for one in plan.known if one.job in names.get(one.printer, ())]
    line = {one.job for one in plan.on.get(printer, [])}
    room = Room(plan.problem, kept)
    machine, jobs = plan.shop.printers[printer], plan.shop.jobs
    return [
        one
        for one in every[printer]
        if one.job in line or room.earliest(jobs[one.job], machine, last=True) is not None
    ]


def _keeps(line: Sequence[str], held: Sequence[_Held]) -> bool:
    position = 0
    for one in held:
        if line[position : position + 1] == [one.job]:
            position += 1
        elif one.must:
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Held:
    """A print that people have been told comes next. must: nothing can rightly take its place."""

    job: str
    must: bool


def held_in_order(problem: Problem) -> dict[str, list[str]]:
    """The jobs that have to come first on each printer because people have been told so."""
    must = {printer: [one.job for one in held if one.must] for printer, held in _held(problem).items()}
    return {printer: jobs for printer, jobs in must.items() if jobs}


def _held(problem: Problem) -> dict[str, list[_Held]]:
    """What people have been told comes first on each printer, where that is possible."""
    shop = Shop(problem)
    left = {job.id: job.copies for job in problem.jobs}
    room = Room(problem, ())
    held: dict[str, list[_Held]] = {}
    planned = sorted(problem.previous.items(), key=lambda one: (one[1].hand_work_start, one[1].start))
    for (name, _), place in planned:
        job, printer = shop.jobs.get(name), shop.printers.get(place.printer)
        if job is None or printer is None or place.hand_work_start >= problem.frozen_s or not left[name]:
            continue
        if room.earliest(job, printer) is not None:
            left[name] -= 1
            held.setdefault(place.printer, []).append(_Held(name, not _might_not_be(problem, job, printer)))
    return held


def _might_not_be(problem: Problem, job: Job, printer: Printer) -> bool:
    """Whether a place on its printer can be lost to other prints, rightly: to a deadline, for want of
    filament, or as somebody has to be there all the while."""
    watched = job.attended or printer.attended
    return watched or job.deadline_s is not None or job.filament in problem.stock_g


_RULES: tuple[Callable[[_Plan], Iterator[Violation]], ...] = (
    _named,
    _copies,
    _compatible,
    _estimates,
    _in_turn,
    _hand_work,
    _attended,
    _maintenance,
    _operators,
    _power,
    _dates,
    _pins,
    _stock,
    _frozen,
)
