"""Problems as they are in books, made by seed: unrelated machines, set-ups that depend on the order."""

import random
from datetime import UTC, datetime

from farm.schedule.config import Objective
from farm.schedule.evaluate import weights_for
from farm.schedule.problem import Job, Printer, Problem, Setups, Weights

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST_SETUPS = (9, 49, 99, 124)


def raw_problem(jobs, machines, longest_setup, seed, objective=Objective.MAKESPAN):
    """Times uniform in 1..99, set-ups in 1..longest_setup; with due dates where the objective asks for them.

    Due dates are uniform up to what a machine does with its share of the jobs, so that some are always late.
    """
    chance = random.Random(f"{jobs}x{machines}, {longest_setup}, {seed}")
    names = [f"m{number}" for number in range(machines)]

    def setups():
        return tuple(chance.randint(1, longest_setup) for _ in range(jobs))

    first = tuple(setups() for _ in names)
    between = tuple(tuple(setups() for _ in range(jobs)) for _ in names)
    share = jobs * (50 + longest_setup // 2) // machines
    tardy = objective is Objective.TARDINESS
    wishes = tuple(
        Job(
            f"j{number}",
            {name: chance.randint(1, 99) for name in names},
            weight=float(chance.choice((1, 2, 4, 8))) if tardy else 1.0,
            due_s=chance.randint(1, share) if tardy else None,
        )
        for number in range(jobs)
    )
    return Problem(
        NOW,
        tuple(map(Printer, names)),
        wishes,
        setups=Setups(first, between),
        weights=weights_for(objective, Weights()),
    )
