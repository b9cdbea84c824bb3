"""Plans for the farms that are measured, each in a process of its own, and looked through by the checker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.benches.plans.farms import farm
from scripts.environment import CHECKOUT, EnvironmentFailed

INSTANCES = CHECKOUT / "tests" / "data" / "instances"
COMPILED = CHECKOUT / ".compiled"
LONGEST_S = 900  # for a plan, where everything has to be compiled first on a machine that has much to do


@dataclass(frozen=True, slots=True)
class Size:
    """Of a farm. first_s, fifo, rules: what is to be reached; seconds: for a plan."""

    jobs: int
    printers: int
    first_s: float
    fifo: float | None
    rules: float | None
    seconds: float = 5.0

    @property
    def name(self) -> str:
        return f"{self.jobs} jobs, {self.printers} printers"


SIZES = (
    Size(10, 3, 0.05, None, None, 2.0),
    Size(50, 8, 0.1, 0.20, 0.65),
    Size(200, 20, 0.2, 0.09, 0.32),
    Size(500, 50, 0.6, 0.045, 0.15),
    Size(2000, 200, 2.0, 0.05, 0.20),
)


WARM = """
import json, sys, time
import psutil
from farm.schedule.at_work import warm_up
from farm.schedule.config import SearchConfig
from farm.schedule.reading import read_problem
from farm.schedule.solve import solve
from farm.schedule.validate import validate
warm_up()
memory = psutil.Process().memory_info
floor = memory().rss
problem = read_problem(open(sys.argv[1], "rb").read())
seconds = float(sys.argv[2])
"""
"""What is done before a plan: as the planner's process, everything is loaded and compiled."""

NEW = 5  # farms of each size, beside those that were given


def farms(size: Size, folder: Path, new: int = NEW) -> Iterator[Path]:
    """Those that were given, then new ones by the recipe, written into the folder."""
    given = sorted(INSTANCES.glob(f"{size.jobs}x{size.printers}-s*.json"))
    yield from given
    for seed in range(len(given) + 1, len(given) + 1 + new):
        made = folder / f"{size.jobs}x{size.printers}-s{seed}.json"
        made.write_text(json.dumps(farm(size.jobs, size.printers, seed)), encoding="utf-8")
        yield made


def planned(code: str, problem: Path, seconds: float, what: str) -> dict[str, Any]:
    """What the code prints as JSON, started with the problem and the seconds. what: it is, for who waits.

    Raises EnvironmentFailed where it fails, takes far too long, or names rules that are "broken".
    """
    begun = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "NUMBA_CACHE_DIR": str(COMPILED)}
    command = [sys.executable, "-c", code, str(problem), str(seconds)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentFailed(f"no plan for {problem.name} in {LONGEST_S} s") from None
    if done.returncode:
        raise EnvironmentFailed(f"no plan for {problem.name}:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    if result["broken"]:
        raise EnvironmentFailed(f"the plan for {problem.name} breaks a rule: {result['broken'][0]}")
    print(f"[{time.monotonic() - begun:5.1f} s] {what}: {problem.stem} {told(result)}", file=sys.stderr)
    return result


def told(result: dict[str, Any]) -> str:
    """The numbers of one plan, in a line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in result.items() if isinstance(value, float))
