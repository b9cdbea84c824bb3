"""How late a farm's loop is while its planner's process looks for a plan for 2,000 jobs on 200 printers."""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import trio

from farm.domain.analysis import Filament, GcodeAnalysis, PrintTime
from farm.domain.constraints import Constraints, Day, Shift
from farm.domain.file import FileState
from farm.domain.job import Job, JobState
from farm.domain.printer import Address, Loaded, Printer, Profile
from farm.schedule.facts import Asked, Facts, KnownFile, Station
from farm.schedule.planner import ProcessPlanner
from farm.workers.surroundings import Surroundings
from scripts.benches.figure import Figure
from scripts.benches.plans.farms import CLOSES, OPENS, ZONE, Instance, farm
from scripts.benches.plans.planning import COMPILED, SIZES

BEAT_S = 0.005
SECONDS = 5.0  # for the plan
WORKDAYS = frozenset(Day) - {Day.SUN}


def beside() -> list[Figure]:
    """From the question to the plan: everything that the process tells of better plans comes in between."""
    os.environ.setdefault("NUMBA_CACHE_DIR", str(COMPILED))
    print("the loop beside the planner …", file=sys.stderr)
    largest = SIZES[-1]
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        late = sorted(trio.run(_lateness, facts(farm(largest.jobs, largest.printers, 1)), Path(folder)))
    name = f"{largest.name}: the farm's loop meanwhile is late"
    p99 = 1000 * late[len(late) * 99 // 100]
    return [
        Figure(f"{name}, p99", p99, "ms", None, "value<20"),
        Figure(f"{name}, at most", 1000 * late[-1], "ms", None, "value<100"),
    ]


async def _lateness(known: Facts, folder: Path) -> list[float]:
    """Of each beat, in seconds."""
    planner, late = ProcessPlanner(Surroundings(folder)), list[float]()

    async def beat() -> None:
        while True:
            due = trio.current_time() + BEAT_S
            await trio.sleep_until(due)
            late.append(trio.current_time() - due)

    try:
        await planner.get_ready()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(beat)
            plan = await planner.plan(Asked(known, SECONDS, "a plan"))
            nursery.cancel_scope.cancel()
    finally:
        await planner.aclose()
    if len(plan.placements) < len(known.jobs):
        raise ValueError("the farm's plan leaves something out")
    return late


def facts(instance: Instance) -> Facts:
    """The farm of an instance, as the scheduler knows it."""
    at = datetime.fromisoformat(instance["t0"]).astimezone(UTC)
    shift = Shift(WORKDAYS, time(OPENS), time(CLOSES))
    return Facts(
        at,
        tuple(_job(one, at) for one in instance["jobs"]),
        {f"f{one['id']}": _file(one) for one in instance["jobs"]},
        tuple(_station(one, at) for one in instance["printers"]),
        Constraints(working_hours=(shift,), timezone=ZONE, power_limit_kw=instance["cap"] / 1000),
    )


def _job(told: dict[str, Any], at: datetime) -> Job:
    return Job(
        f"j{told['id']}",
        f"f{told['id']}",
        f"plate {told['id']}",
        1,
        JobState.QUEUED,
        "user:1",
        at,
        priority=told["weight"].bit_length() - 1,
        release_at=at + timedelta(minutes=told["release"]),
        due_at=at + timedelta(minutes=told["due"]),
        colour=told["color"],
    )


def _file(told: dict[str, Any]) -> KnownFile:
    filament = Filament(0, g=told["grams"], material=told["material"])
    return KnownFile(
        FileState.READY, GcodeAnalysis(time_s=PrintTime(60.0 * told["base"]), filament=(filament,))
    )


def _station(told: dict[str, Any], at: datetime) -> Station:
    profile = Profile(
        heat_up_w=told["heat"],
        heat_up_s=600.0,
        printing_w=told["steady"],
        loaded=(Loaded(0, told["material"], told["color"]),),
    )
    name = f"p{told['id']}"
    free_at = at + timedelta(minutes=told["avail"]) if told["avail"] else None
    return Station(
        Printer(name, name, Address("octoprint", f"http://{name}"), profile=profile),
        free_at=free_at,
        plate_clear=False,
    )
