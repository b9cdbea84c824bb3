"""What a plan comes to: its cost, term by term and job by job, and the figures people ask for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from farm.schedule.config import Objective
from farm.schedule.problem import Job, Problem, Weights
from farm.schedule.result import Metrics, Placement, Schedule
from farm.schedule.shop import HandsOn, Shop, by_printer
from farm.schedule.spans import length, within
from farm.schedule.steps import Steps, power

MINUTE, HOUR = 60, 3600

Terms = Mapping[str, float]
"""Costs by the names of `Weights`."""


def weights_for(objective: Objective, weights: Weights) -> Weights:
    """The prices with which the cost of a plan is that objective; for problems from books, in seconds."""
    if objective is Objective.COST:
        return weights
    tardiness, makespan = (0.0, MINUTE) if objective is Objective.MAKESPAN else (MINUTE, 0.0)
    return Weights(tardiness, 0.0, makespan, changeover=0.0, hand_work=0.0, non_preferred=0.0)


def evaluate(problem: Problem, schedule: Schedule) -> Metrics:
    """The figures of a plan whose jobs and printers are all in the problem."""
    plan = _Plan(problem, schedule)
    return Metrics(
        left_out=plan.left_out(),
        cost=sum(plan.terms().values()),
        terms=plan.terms(),
        weighted_tardiness_s=sum((job.weight * plan.tardiness_s(job) for job in plan.begun), 0.0),
        max_tardiness_s=max(map(plan.tardiness_s, plan.begun), default=0),
        late_jobs=sum(plan.tardiness_s(job) > 0 for job in plan.begun),
        makespan_s=plan.makespan_s,
        mean_flow_s=sum(map(plan.flow_s, plan.begun)) / max(1, len(plan.begun)),
        utilisation=plan.utilisation(),
        unattended_s=plan.unattended_s(),
        changeovers=sum(hands.changeover for hands in plan.hands.values()),
        hand_work_s=sum(hands.person_s for hands in plan.hands.values()),
        hand_works_at_once=plan.hand_works_at_once(),
        peak_w=(peak := power(plan.shop, schedule.placements).peak),
        headroom_w=None if problem.power_w is None else problem.power_w - peak,
        preferred_share=plan.preferred_share(),
        changed=sum(map(plan.is_moved, schedule.placements)),
    )


def rank(metrics: Metrics) -> tuple[float, float]:
    """Less is better: first what is left out, then what it costs."""
    return metrics.left_out, metrics.cost


def costs_by_job(problem: Problem, schedule: Schedule) -> dict[str, Terms]:
    """What each job costs. The makespan is nobody's alone, and is in none of them."""
    plan = _Plan(problem, schedule)
    return {job.id: plan.terms_of(job) for job in plan.begun}


def cost_of_job(problem: Problem, schedule: Schedule, job_id: str) -> Terms:
    """What that job costs; nothing where none of its prints is in the plan."""
    return costs_by_job(problem, schedule).get(job_id, {})


class _Plan:
    """A plan by jobs and printers. begun: the jobs of which at least one print is planned."""

    def __init__(self, problem: Problem, schedule: Schedule) -> None:
        self.problem = problem
        self.shop = Shop(problem)
        self.placements = schedule.placements
        self.prints: dict[str, list[Placement]] = {}
        for placement in self.placements:
            self.prints.setdefault(placement.job, []).append(placement)
        self.begun = [job for job in problem.jobs if job.id in self.prints]
        self.hands: dict[tuple[str, int], HandsOn] = {
            (placement.job, placement.copy): hands
            for printer, line in by_printer(self.placements).items()
            for placement, hands in self.shop.hands_in_order(self.shop.printers[printer], line)
        }
        self.makespan_s = max((one.end for one in self.placements), default=0)

    def left_out(self) -> float:
        return sum(job.weight * (job.copies - len(self.prints.get(job.id, ()))) for job in self.problem.jobs)

    def end_s(self, job: Job) -> int:
        """Of its last print: an order is complete when all of it is there."""
        return max(one.end for one in self.prints[job.id])

    def tardiness_s(self, job: Job) -> int:
        return 0 if job.due_s is None else max(0, self.end_s(job) - job.due_s)

    def flow_s(self, job: Job) -> int:
        return self.end_s(job) - job.release_s

    def terms(self) -> Terms:
        total = dict.fromkeys(Weights.__dataclass_fields__, 0.0)
        del total["shift_halves_s"]  # is no price
        for job in self.begun:
            for name, cost in self.terms_of(job).items():
                total[name] += cost
        total["makespan"] = self.problem.weights.makespan * self.makespan_s / MINUTE
        return total

    def terms_of(self, job: Job) -> Terms:
        """All that the job's own prints cost."""
        prices, prints = self.problem.weights, self.prints[job.id]
        hands = [self.hands[one.job, one.copy] for one in prints]
        return {
            "tardiness": prices.tardiness * job.weight * self.tardiness_s(job) / MINUTE,
            "flow": prices.flow * job.weight * self.flow_s(job) / MINUTE,
            "changeover": prices.changeover * sum(one.changeover for one in hands),
            "hand_work": prices.hand_work * sum(one.person_s for one in hands) / MINUTE,
            "non_preferred": prices.non_preferred * sum(self._is_elsewhere(job, one) for one in prints),
            "other_printer": prices.other_printer * sum(map(self.is_moved, prints)),
            "shift": prices.shift * sum(map(self._shift_minutes, prints)),
            "doubtful": prices.doubtful * sum(map(self._doubtful_hours, prints)),
        }

    def is_moved(self, placement: Placement) -> bool:
        """Whether it was planned on another printer before."""
        before = self.problem.previous.get((placement.job, placement.copy))
        return before is not None and before.printer != placement.printer

    def _shift_minutes(self, placement: Placement) -> float:
        """How far its start was moved; half of it for each `shift_halves_s` that it lay ahead."""
        before = self.problem.previous.get((placement.job, placement.copy))
        if before is None:
            return 0.0
        nearness: float = 0.5 ** (before.start / self.problem.weights.shift_halves_s)
        return abs(placement.start - before.start) / MINUTE * nearness

    def _doubtful_hours(self, placement: Placement) -> float:
        risk = self.shop.printers[placement.printer].risk
        return risk * (placement.end - placement.start) / HOUR

    def _is_elsewhere(self, job: Job, placement: Placement) -> bool:
        return bool(job.preferred) and placement.printer not in job.preferred

    def preferred_share(self) -> float | None:
        wishing = [one for one in self.placements if self.shop.jobs[one.job].preferred]
        if not wishing:
            return None
        return sum(one.printer in self.shop.jobs[one.job].preferred for one in wishing) / len(wishing)

    def _printing(self) -> Iterable[tuple[int, int]]:
        """From when to when something is printed, until the last print of the plan ends."""
        yield from ((one.start, one.end) for one in self.placements)
        for printer in self.problem.printers:
            if printer.running is not None:
                yield 0, min(printer.ready_s, self.makespan_s)

    def utilisation(self) -> float:
        whole = self.makespan_s * len(self.problem.printers)
        return length(self._printing()) / whole if whole else 0.0

    def unattended_s(self) -> int:
        if self.problem.staffed is None:
            return 0
        return sum(
            end - start - length(within(self.problem.staffed, (start, end)))
            for start, end in self._printing()
        )

    def hand_works_at_once(self) -> int:
        at_work = (
            (one.hand_work_start, one.hand_work_end, 1.0)
            for one in self.placements
            if self.hands[one.job, one.copy].person_s
        )
        return round(Steps(at_work).peak)
