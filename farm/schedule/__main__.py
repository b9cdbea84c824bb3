"""The planner by itself, for problems in files: `python -m farm.schedule solve PROBLEM.json`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from farm.errors import FarmError, Invalid, NotFound
from farm.schedule.alternatives import alternatives
from farm.schedule.at_work import warm_up
from farm.schedule.config import Objective, SearchConfig
from farm.schedule.diff import told
from farm.schedule.evaluate import costs_by_job, evaluate, weights_for
from farm.schedule.explain import explain
from farm.schedule.night import nights
from farm.schedule.problem import FOREVER, Problem
from farm.schedule.quote import quote
from farm.schedule.reading import read_plan, read_problem
from farm.schedule.replan import (
    Event,
    JobGone,
    PrintEndsAt,
    PrinterLost,
    PrintFailed,
    Solver,
    apply,
    replan,
)
from farm.schedule.result import Schedule
from farm.schedule.schema import json_schema
from farm.schedule.validate import already_wrong, validate
from farm.schedule.writing import alternative_json, plan_json, quote_lines, side_by_side_lines

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
  python -m farm.schedule alternatives PROBLEM.json --seconds 15
  python -m farm.schedule replan PROBLEM.json PLAN.json --lost mk4-03 --gone vase
  python -m farm.schedule quote PROBLEM.json JOB --plan PLAN.json
  python -m farm.schedule night PROBLEM.json --plan PLAN.json
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
    comparing = _command(commands, "alternatives", "plans for other wishes, side by side", _alternatives)
    again = _command(commands, "replan", "plan anew after something has happened", _replan)
    quoting = _command(commands, "quote", "say when a job would be done, all else left where it is", _quote)
    dark = _command(commands, "night", "say what runs while nobody is there, and what waits then", _night)
    solving = _command(commands, "solve", "plan a problem; the plan as JSON on standard output", _solve)
    checking = _command(commands, "validate", "say what is wrong with a plan", _validate)
    telling = _command(commands, "explain", "say why a job is planned where and when it is", _explain)
    _command(commands, "schema", "print how a problem is written, as JSON Schema", _schema)
    for command in (solving, checking, telling, comparing, again, quoting, dark):
        command.add_argument("problem", metavar="PROBLEM.json", help='as `schema` says; "-": standard input')
    checking.add_argument("plan", metavar="PLAN.json", help="as `solve` prints it")
    telling.add_argument("job", metavar="JOB")
    telling.add_argument("--plan", metavar="PLAN.json", help="the plan that is meant (default: a new one)")
    again.add_argument("plan", metavar="PLAN.json", help="the one that people know, as `solve` prints it")
    _add_events(again)
    quoting.add_argument("job", metavar="JOB", help="of the problem; where the plan has it does not count")
    for command in (quoting, dark):
        command.add_argument(
            "--plan", metavar="PLAN.json", help="the plan that is meant (default: a new one)"
        )
    for command in (solving, telling, comparing, again, quoting, dark):
        _add_search(command)
    for command in (comparing, again, quoting, dark):
        command.add_argument("--json", action="store_true", help="for programs")
    return parser


def _command(commands: Any, name: str, words: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=words[0].upper() + words[1:] + ".", allow_abbrev=False
    )
    parser.set_defaults(run=run)
    return parser


def _add_events(parser: argparse.ArgumentParser) -> None:
    """What may have happened; each as often as it did."""
    parser.add_argument("--lost", action="append", default=[], metavar="PRINTER", help="it is out of order")
    parser.add_argument(
        "--ends", action="append", default=[], metavar="PRINTER=SECONDS", help="its print ends then, from now"
    )
    parser.add_argument("--failed", action="append", default=[], metavar="PRINTER", help="its print failed")
    parser.add_argument("--gone", action="append", default=[], metavar="JOB", help="cancelled or held")


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
    schedule = _known_plan(problem, chosen.plan) if chosen.plan else _planned(problem, chosen)
    for sentence in explain(problem, schedule, chosen.job).sentences:
        _say(sentence)
    return GOOD


def _alternatives(chosen: argparse.Namespace) -> int:
    problem = _problem(chosen)
    offered = alternatives(problem, _config(chosen), _solver())
    if chosen.json:
        _say_json([alternative_json(one) for one in offered])
        return GOOD
    for line in side_by_side_lines(offered):
        _say(line)
    if len(offered) == 1:
        _complain("all the others are hardly different from this one, or no better in anything")
    return GOOD


def _replan(chosen: argparse.Namespace) -> int:
    problem = _problem(chosen)
    previous = _known_plan(problem, chosen.plan)
    events = list(_events(problem, chosen))
    after = replan(problem, previous, events, _config(chosen), _solver())
    changed = told(apply(problem, previous, events), after)
    if chosen.json:
        _say_json({**plan_json(after), "changes": changed})
        return GOOD
    for sentence in changed or ("Nothing has to change.",):
        _say(sentence)
    return GOOD


def _events(problem: Problem, chosen: argparse.Namespace) -> Iterator[Event]:
    """What was said to have happened. Raises NotFound, Invalid."""
    printers, jobs = {one.id for one in problem.printers}, {one.id for one in problem.jobs}
    late = [_ends(text) for text in chosen.ends]
    for printer in (*chosen.lost, *chosen.failed, *(one.printer for one in late)):
        if printer not in printers:
            raise NotFound(f"There is no printer {printer} in {chosen.problem}.")
    for job in chosen.gone:
        if job not in jobs:
            raise NotFound(f"There is no job {job} in {chosen.problem}.")
    yield from map(PrinterLost, chosen.lost)
    yield from late
    yield from map(PrintFailed, chosen.failed)
    yield from map(JobGone, chosen.gone)


def _ends(text: str) -> PrintEndsAt:
    printer, _, seconds = text.rpartition("=")
    if not printer or not seconds.isdigit() or int(seconds) >= FOREVER:
        raise Invalid(f"--ends {text}: a printer and seconds from now, like a=3600")
    return PrintEndsAt(printer, int(seconds))


def _quote(chosen: argparse.Namespace) -> int:
    problem = _problem(chosen)
    job = next((one for one in problem.jobs if one.id == chosen.job), None)
    if job is None:
        raise NotFound(f"There is no job {chosen.job} in {chosen.problem}.")
    others = replace(problem, jobs=tuple(one for one in problem.jobs if one is not job))
    schedule = _known_plan(problem, chosen.plan) if chosen.plan else _planned(others, chosen)
    found = quote(problem, schedule, job)
    if chosen.json:
        _say_json(asdict(found))
        return GOOD
    for line in quote_lines(problem, job, found):
        _say(line)
    return GOOD


def _night(chosen: argparse.Namespace) -> int:
    problem = _problem(chosen)
    found = nights(problem, _known_plan(problem, chosen.plan) if chosen.plan else _planned(problem, chosen))
    if chosen.json:
        _say_json([asdict(one) for one in found])
        return GOOD
    for one in found:
        for sentence in one.sentences:
            _say(sentence)
    if not found:
        _say("Somebody is there until all is done.")
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


def _known_plan(problem: Problem, name: str) -> Schedule:
    """Raises Invalid for one that cannot be carried out."""
    schedule = read_plan(_text(name))
    if violations := validate(problem, schedule):
        raise Invalid(f"{name} is no plan of that problem: {violations[0].what}")
    return schedule


def _planned(problem: Problem, chosen: argparse.Namespace) -> Schedule:
    return _solver(_Told(problem))(problem, _config(chosen))


def _config(chosen: argparse.Namespace) -> SearchConfig:
    return SearchConfig(
        seconds=chosen.seconds,
        seed=chosen.seed,
        iterations=chosen.iterations,
        objective=Objective(chosen.objective or Objective.COST),
        exact=not chosen.no_exact,
    )


def _solver(hear: Callable[[Schedule], object] | None = None) -> Solver:
    """What looks for plans, warm."""
    import platformdirs

    from farm.data_folder import NAME

    compiled = platformdirs.user_cache_path(NAME, appauthor=False) / "compiled"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled))  # before anything that compiles is imported
    _complain("getting ready; the first time of all this takes a minute")
    from farm.schedule.solve import solve

    warm_up()  # compiles, so that the seconds are for the search
    return partial(solve, on_incumbent=hear)


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
