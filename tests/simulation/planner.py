"""A planner whose plans can be foreseen."""

from __future__ import annotations

from datetime import timedelta

import trio

from farm.domain.plan import Plan, Planned
from farm.schedule.at_work import effect_of
from farm.schedule.replan import repair
from farm.schedule.result import Schedule
from farm.workers.process import State

AN_HOUR = timedelta(hours=1)


class Youngest:
    """Plans the newest job first, one after the other, on the first printer there is."""

    state = State.READY

    def __init__(self, takes_s: float = 1.0) -> None:
        self.takes_s = takes_s
        self.asked = []
        self.fails = []

    async def get_ready(self) -> None:
        await trio.lowlevel.checkpoint()

    async def plan(self, asked):
        self.asked.append(asked)
        await trio.sleep(self.takes_s)
        if self.fails:
            raise self.fails.pop()
        facts = asked.facts
        printers = [station.printer.id for station in facts.stations if not station.away]
        start = facts.at
        placements = []
        for job in reversed(facts.jobs):
            for copy in range(job.to_begin if printers else 0):
                placements.append(Planned(job.id, copy, printers[0], start, start, start, start + AN_HOUR))
                start += AN_HOUR
        return Plan(asked.id, facts.at, facts.settings.preset, tuple(placements), because=asked.because)

    async def effect(self, asked):
        self.asked.append(asked)
        await trio.sleep(self.takes_s)
        if self.fails:
            raise self.fails.pop()
        return effect_of(asked, asked.instead, solver=lambda problem, config: repair(problem, Schedule(())))

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


class OnlyOnDemand(Youngest):
    """Makes the plans that people ask for, and leaves what is begun to the list."""

    async def get_ready(self) -> None:
        await trio.sleep_forever()
