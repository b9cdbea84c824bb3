"""The planner by itself, for problems in files: `python -m farm.schedule solve PROBLEM.json`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from farm.errors import FarmError, Invalid, NotFound
from farm.schedule.at_work import warm_up
from farm.schedule.config import Objective, SearchConfig
from farm.schedule.evaluate import costs_by_job, evaluate, weights_for
from farm.schedule.explain import explain
from farm.schedule.problem import Problem
from farm.schedule.reading import read_plan, read_problem
from farm.schedule.result import Schedule
from farm.schedule.schema import json_schema
from farm.schedule.validate import already_wrong, validate
from farm.schedule.writing import plan_json

GOOD, FAILED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
MOST_BYTES = 512 * 2**20  # of a file; the largest problem that may be planned has a tenth of it
SAID_EVERY_S = 0.5

_MORE = """\
exit codes: 0 good, 1 the plan is broken or the job is not there, 2 wrong usage or a file that cannot be
read, 130 interrupted

examples:
  python -m farm.schedule solve PROBLEM.json --seconds 5 --seed 1 > PLAN.json
  python -m farm.schedule validate PROBLEM.json PLAN.json
  python -m farm.schedule explain PROBLEM.json JOB --plan PLAN.json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and answers the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `solve … | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except FarmError as problem:
        _complain(str(problem))
        return FAILED if isinstance(problem, NotFound) else WRONG_USAGE
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m farm.schedule",
        description="Plans who prints what and when.",
        epilog=_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    solving = _command(commands, "solve", "plan a problem; the plan as JSON on standard output", _solve)
    checking = _command(commands, "validate", "say what is wrong with a plan", _validate)
    telling = _command(commands, "explain", "say why a job is planned where and when it is", _explain)
    _command(commands, "schema", "print how a problem is written, as JSON Schema", _schema)
    for command in (solving, checking, telling):
        command.add_argument("problem", metavar="PROBLEM.json", help='as `schema` says; "-": standard input')
    checking.add_argument("plan", metavar="PLAN.json", help="as `solve` prints it")
    telling.add_argument("job", metavar="JOB")
    telling.add_argument("--plan", metavar="PLAN.json", help="the plan that is meant (default: a new one)")
    for command in (solving, telling):
        _add_search(command)
    return parser


def _command(commands: Any, name: str, words: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=words[0].upper() + words[1:] + ".", allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def _add_search(parser: argparse.ArgumentParser) -> None:
    usual = SearchConfig()
    within = "after which there is an answer (%(default)s)"
    parser.add_argument("--seconds", type=_positive, default=usual.seconds, help=within)
    parser.add_argument("--seed", type=int, default=usual.seed, help="of its chances (%(default)s)")
    parser.add_argument(
        "--iterations", type=int, metavar="N", help="stop after as many: the same plan on every machine"
    )
    parser.add_argument(
        "--objective", choices=[one.value for one in Objective], help="default: what the problem says"
    )
    parser.add_argument("--no-exact", action="store_true", help="do not look for a proof")


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86_400:
        raise ValueError
    return value


def _solve(chosen: argparse.Namespace) -> int:
    problem = _problem(chosen)
    schedule = _planned(problem, chosen)
    _say_json(plan_json(schedule, costs_by_job(problem, schedule)))
    return GOOD


def _validate(chosen: argparse.Namespace) -> int:
    """One violation a line, and 1 if there is any."""
    problem, schedule = _problem(chosen), read_plan(_text(chosen.plan))
    for wrong in already_wrong(problem):
        _complain(f"already so: {wrong.what}")
    violations = validate(problem, schedule)
    for violation in violations:
        _say(f"{violation.constraint}: {violation.what}")
    if not violations:
        _complain("nothing is wrong with it")
    return FAILED if violations else GOOD


def _explain(chosen: argparse.Namespace) -> int:
    problem = _problem(chosen)
    if chosen.job not in {job.id for job in problem.jobs}:
        raise NotFound(f"There is no job {chosen.job} in {chosen.problem}.")
    schedule = read_plan(_text(chosen.plan)) if chosen.plan else _planned(problem, chosen)
    if violations := validate(problem, schedule):
        raise Invalid(f"{chosen.plan} is no plan of that problem: {violations[0].what}")
    for sentence in explain(problem, schedule, chosen.job).sentences:
        _say(sentence)
    return GOOD


def _schema(_: argparse.Namespace) -> int:
    _say_json(json_schema())
    return GOOD


def _problem(chosen: argparse.Namespace) -> Problem:
    problem = read_problem(_text(chosen.problem))
    objective = getattr(chosen, "objective", None)
    if objective is None:
        return problem
    return replace(problem, weights=weights_for(Objective(objective), problem.weights))


def _planned(problem: Problem, chosen: argparse.Namespace) -> Schedule:
    import platformdirs

    from farm.data_folder import NAME

    compiled = platformdirs.user_cache_path(NAME, appauthor=False) / "compiled"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled))  # before anything that compiles is imported
    _complain("getting ready; the first time of all this takes a minute")
    from farm.schedule.solve import solve

    warm_up()  # compiles, so that the seconds are for the search
    config = SearchConfig(
        seconds=chosen.seconds,
        seed=chosen.seed,
        iterations=chosen.iterations,
        objective=Objective(chosen.objective or Objective.COST),
        exact=not chosen.no_exact,
    )
    return solve(problem, config, on_incumbent=_Told(problem))


class _Told:
    """Says on standard error how good the best plan is by now, every half a second at most."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._began = time.monotonic()
        self._said = self._began - SAID_EVERY_S

    def __call__(self, schedule: Schedule) -> None:
        now = time.monotonic()
        if now - self._said >= SAID_EVERY_S:
            self._said = now
            metrics = schedule.metrics or evaluate(self._problem, schedule)
            said = f"cost {metrics.cost:.0f}, {metrics.late_jobs} late, {len(schedule.unscheduled)} left out"
            _complain(f"{now - self._began:6.1f} s  {said}")


def _text(name: str) -> bytes:
    try:
        if name == "-":
            return sys.stdin.buffer.read(MOST_BYTES)
        path = Path(name)
        if path.stat().st_size > MOST_BYTES:
            raise Invalid(f"{name} is larger than {MOST_BYTES // 2**20} MB")
        return path.read_bytes()
    except OSError as error:
        raise Invalid(f"{name} cannot be read: {error.strerror}") from error


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _say_json(value: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
