"""Plans for the farms that are measured, each in a process of its own, and looked through by the checker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.benches.plans.farms import farm
from scripts.environment import CHECKOUT, EnvironmentFailed

INSTANCES = CHECKOUT / "tests" / "data" / "instances"
COMPILED = CHECKOUT / ".compiled"


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


def instance(size: Size, seed: int, folder: Path) -> Path:
    """One that was given, or a new one, written into the folder."""
    known = INSTANCES / f"{size.jobs}x{size.printers}-s{seed}.json"
    if known.exists():
        return known
    new = folder / known.name
    new.write_text(json.dumps(farm(size.jobs, size.printers, seed)), encoding="utf-8")
    return new


def planned(code: str, problem: Path, seconds: float) -> dict[str, Any]:
    """What the code, started with a small instance, the problem and the seconds, prints as JSON.

    Raises EnvironmentFailed where it fails, or names rules that are "broken".
    """
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "NUMBA_CACHE_DIR": str(COMPILED)}
    command = [sys.executable, "-c", code, str(INSTANCES / "10x3-s1.json"), str(problem), str(seconds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFailed(f"no plan for {problem.name}:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    if result["broken"]:
        raise EnvironmentFailed(f"the plan for {problem.name} breaks a rule: {result['broken'][0]}")
    return result
