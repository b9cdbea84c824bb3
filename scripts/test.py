"""Runs every check of the project; the first time it also makes everything the checks need.

    python3 scripts/test.py                         style, types, tests with coverage, tests on Python 3.13
    python3 scripts/test.py --all                   the same with the long tests and every seeded run in full
    python3 scripts/test.py tests/actors -k crash   just these tests: arguments are passed on to pytest

What this machine cannot run is skipped, and the summary says why. The exit code is 0 only when nothing
failed. A few tests that failed beside others are run once more by themselves, and the summary names those
that pass then: on a machine with too much to do, a deadline may be missed. The real peers (OctoPrint,
Moonraker, and PrusaLink for the long tests) are installed once in a cache folder outside the checkout;
FARM_PEERS names another. Tests make a tenth of each large seeded count; with FARM_TEST_SCALE=1, or --all,
they make them all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from scripts import chromium, environment, prusalink
from scripts.environment import Environment, EnvironmentFailed

PEER_LOCKS = environment.CHECKOUT / "scripts" / "peers"
OPTIONAL_PEERS = {"prusalink"}  # they need libraries that not every machine can be given
MOST_PROCESSES = 8  # each starts print hosts of its own
FEW_FAILED = 5  # more are not the machine's fault
OTHER_PYTHON = "3.13"  # the newest we support; the locks choose other packages there than on 3.11


@dataclass(frozen=True)
class Step:
    """One command of the run, and what it is called in the summary.

    again: runs what failed once more, by itself; empty where that would say nothing new.
    """

    name: str
    command: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    again: Sequence[str] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a step: "passed", "failed" or "skipped", with the reason where there is one."""

    name: str
    verdict: str
    seconds: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class Options:
    """What the person asked for. `chosen` are the arguments for pytest; with any, only these tests run."""

    everything: bool
    require_peers: bool
    chosen: Sequence[str]


def main(arguments: list[str]) -> int:
    """Sets up, runs each step whatever became of the one before, and sums up. Returns the exit code."""
    options = read_options(arguments)
    ours = environment.for_testing()
    environment.prepare(ours)
    variables, outcomes = set_up_peers(options.require_peers)
    other, skipped = (None, []) if options.chosen else set_up_other_python()
    steps = plan(options, ours, other, variables)
    outcomes += [run(step) for step in steps] + skipped
    print(summary(outcomes), flush=True)
    return 1 if any(outcome.verdict == "failed" for outcome in outcomes) else 0


def read_options(arguments: list[str]) -> Options:
    """Our own options out of the command line; what we do not know is for pytest."""
    parser = argparse.ArgumentParser(
        prog="test.py",
        usage="test.py [-h] [--all] [--require-peers] [arguments of pytest]",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--all", action="store_true", help="add the long tests; every seeded count in full")
    parser.add_argument(
        "--require-peers", action="store_true", help="a peer that cannot be set up is a failure"
    )
    ours, chosen = parser.parse_known_args(arguments)
    return Options(ours.all, ours.require_peers, chosen)


def plan(
    options: Options, ours: Environment, other: Environment | None, variables: Mapping[str, str]
) -> list[Step]:
    """The steps of this run, in order.

    variables: what the tests learn about the peers. other: the second Python's environment, if there is one.
    """
    scale = "1" if options.everything else os.environ.get("FARM_TEST_SCALE", "0.1")
    variables = {**variables, "FARM_TEST_SCALE": scale}
    choice = ["pytest", *([] if options.everything else ["-m", "not long"]), *options.chosen]
    again = [*choice, "--last-failed", "--last-failed-no-failures", "none"]

    def step(name: str, *command: str, within: Environment = ours, again: Sequence[str] = ()) -> Step:
        python = [str(within.interpreter), "-m"]
        return Step(name, [*python, *command], variables, [*python, *again] if again else ())

    if options.chosen:
        return [step("tests", *choice)]
    choice += ["--numprocesses", str(processes()), "--dist", "loadfile"]
    steps = [
        step("format", "ruff", "format", "--check"),
        step("lint", "ruff", "check"),
        step("types", "mypy", "--strict"),
        step("compile", "tests.compiled"),
        step("tests", *choice, "--cov", "--cov-report=", again=again),
        step("coverage", "coverage", "report"),
    ]
    if other is not None:
        steps.append(step(f"tests on {OTHER_PYTHON}", *choice, within=other, again=again))
    return steps


def processes() -> int:
    """In how many processes the tests run: they mostly wait, so it is one more than there are processors."""
    return min((os.cpu_count() or 1) + 1, MOST_PROCESSES)


def set_up_peers(required: bool) -> tuple[dict[str, str], list[Outcome]]:
    """The real print host and browser for the tests: variables that name them, and what went wrong."""
    variables: dict[str, str] = {"FARM_REQUIRE_PEERS": "1"} if required else {}
    outcomes: list[Outcome] = []
    peers: dict[str, Callable[[], Path]] = {
        "octoprint": set_up_octoprint,
        "moonraker": set_up_moonraker,
        "prusalink": lambda: set_up_prusalink(required),
        "chromium": lambda: chromium.prepare(may_install=required),
    }
    for name, set_up in peers.items():
        try:
            variables[f"FARM_{name.upper()}"] = str(set_up())
        except EnvironmentFailed as error:
            environment.say(f"no {name} for the tests: {error}")
            verdict = "failed" if required and name not in OPTIONAL_PEERS else "skipped"
            outcomes.append(Outcome(name, verdict, 0.0, str(error)))
    return variables, outcomes


def set_up_octoprint() -> Path:
    """Installs the locked OctoPrint. Returns its program; raises EnvironmentFailed."""
    return set_up_print_host("octoprint")


def set_up_moonraker() -> Path:
    """Installs the locked Moonraker. Returns its program; raises EnvironmentFailed."""
    if sys.platform != "linux":
        raise EnvironmentFailed("Moonraker runs on Linux alone")
    return set_up_print_host("moonraker")


def set_up_prusalink(may_install: bool) -> Path:
    """Installs the locked PrusaLink, beside its libraries. Returns its program; raises EnvironmentFailed."""
    prusalink.prepare(may_install)
    return set_up_print_host("prusalink")


def set_up_print_host(name: str) -> Path:
    """Installs the locked package of this name in the cache folder. Returns the program of that name."""
    lock, python = PEER_LOCKS / f"{name}.txt", f"py{sys.version_info[0]}.{sys.version_info[1]}"
    folder = environment.cache_folder() / f"{name}-{locked_version(lock, name)}-{python}"
    host = Environment(folder, (lock,))
    # Not wheels only: some of what they need (netifaces, python-prctl) has none and is compiled here.
    environment.prepare(host, install=environment.pip_install)
    return host.program(name)


def locked_version(lock: Path, package: str) -> str:
    """The version that a lock file pins `package` to."""
    for line in lock.read_text("utf-8").splitlines():
        if line.startswith(package + "=="):
            return line.split("==")[1].split()[0]
    raise EnvironmentFailed(f"{lock} does not pin {package}: make it again with scripts/lock.py")


def set_up_other_python() -> tuple[Environment | None, list[Outcome]]:
    """An environment with the second Python, or the reason why the tests are skipped there."""
    name = f"tests on {OTHER_PYTHON}"
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == OTHER_PYTHON:
        return None, [Outcome(name, "skipped", 0.0, f"the other tests ran on {OTHER_PYTHON} already")]
    found = find_python(["py", f"-{OTHER_PYTHON}"] if os.name == "nt" else [f"python{OTHER_PYTHON}"])
    if found is None:
        return None, [Outcome(name, "skipped", 0.0, f"no python{OTHER_PYTHON} runs on this machine")]
    python, tag = found
    folder = environment.cache_folder() / f"tests-py{OTHER_PYTHON}"
    other = Environment(folder, environment.for_testing().locks, python, tag)
    try:
        environment.prepare(other, install=lambda made: environment.pip_install(made, "--only-binary=:all:"))
    except EnvironmentFailed as error:
        return None, [Outcome(name, "failed", 0.0, str(error))]
    return other, []


def find_python(command: Sequence[str]) -> tuple[str, str] | None:
    """The real path and the tag of the Python that `command` starts; None where it does not run."""
    question = "import sys; print(sys.executable); print(sys.implementation.cache_tag)"
    try:
        answer = subprocess.run([*command, "-I", "-c", question], capture_output=True, text=True, check=False)
    except OSError:
        return None
    lines = answer.stdout.splitlines()
    return (lines[0], lines[1]) if answer.returncode == 0 and len(lines) == 2 else None


def run(step: Step) -> Outcome:
    """Runs one step in the checkout with its output shown, and times it.

    Where a few tests failed they are run again, alone: the verdict is theirs, and the reason names them.
    """
    print(f"\n--- {step.name}", flush=True)
    began = time.monotonic()
    code, reason = _call(step.command, step.variables), ""
    failed = tests_that_failed() if code and step.again else []
    if 0 < len(failed) <= FEW_FAILED:
        print(f"\n--- {step.name}, {len(failed)} that failed by themselves", flush=True)
        code, reason = _call(step.again, step.variables), f"passed only by themselves: {', '.join(failed)}"
    seconds = time.monotonic() - began
    return Outcome(
        step.name, "failed" if code else "passed", seconds, f"exit code {code}" if code else reason
    )


def _call(command: Sequence[str], variables: Mapping[str, str]) -> int:
    done = subprocess.run(command, cwd=environment.CHECKOUT, env={**os.environ, **variables}, check=False)
    return done.returncode


def tests_that_failed() -> list[str]:
    """The names that pytest keeps of the tests which failed last; none where it keeps nothing."""
    kept = environment.CHECKOUT / ".pytest_cache" / "v" / "cache" / "lastfailed"
    try:
        return sorted(json.loads(kept.read_text("utf-8")))
    except (OSError, ValueError):
        return []


def summary(outcomes: Sequence[Outcome]) -> str:
    """The table a person looks at last: one line a step, then one word for all."""
    width = max(len(outcome.name) for outcome in outcomes)
    lines = ["", "--- summary"]
    for outcome in outcomes:
        took = f"{outcome.seconds:6.1f} s" if outcome.seconds else " " * 8
        lines.append(f"{outcome.verdict:8} {outcome.name:{width}} {took}  {outcome.reason}".rstrip())
    failed = [outcome.name for outcome in outcomes if outcome.verdict == "failed"]
    lines.append(f"FAILED: {', '.join(failed)}" if failed else "everything that ran here passed")
    return "\n".join(lines)


if __name__ == "__main__":
    environment.run_script(main)
