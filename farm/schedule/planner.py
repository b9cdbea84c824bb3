"""How the scheduler has plans made: in a process of its own, warm, held to limits, killed when it is late."""

from __future__ import annotations

from typing import Protocol

import trio

from farm.domain.plan import Effect, Plan
from farm.errors import Refused
from farm.schedule.facts import Asked
from farm.workers.process import State, Worker, WorkFailed
from farm.workers.surroundings import Surroundings
from farm.workers.wire import Limits

MB = 1_000_000
OVERTIME_S = 1.0  # then it is killed, and what it had found by then counts
COMPARING_S = 5.0  # two plans of the largest farms, print by print
MEMORY = 600 * MB  # over its warm floor, for 2,000 jobs on 200 printers and as much again
MOST_ANSWERED = 64 * MB
PLANS = 1000  # made by one process


class Planner(Protocol):
    """Makes one plan after the other."""

    @property
    def state(self) -> State:
        """What it is at."""
        ...

    async def get_ready(self) -> None:
        """Wait until the next plan can be looked for at once. Raises WorkFailed, StorageFailed."""
        ...

    async def plan(self, asked: Asked) -> Plan:
        """Raises WorkFailed when there is none, not even a first one."""
        ...

    async def effect(self, asked: Asked) -> Effect:
        """What other rules would do to the plan. Raises WorkFailed, Refused where no plans are made."""
        ...

    async def aclose(self) -> None:
        """Let go of whatever it holds."""
        ...


class ProcessPlanner:
    """Has plans made by a worker process."""

    def __init__(self, surroundings: Surroundings, module: str = "farm.schedule.at_work") -> None:
        self._worker = Worker(module, surroundings, errands=PLANS)
        self._getting_ready = trio.Lock()

    @property
    def state(self) -> State:
        return self._worker.state

    async def get_ready(self) -> None:
        async with self._getting_ready:  # others wait for it, too, and must not speak to it before
            await self._worker.warm_up()

    async def plan(self, asked: Asked) -> Plan:
        best: list[Plan] = []
        await self.get_ready()
        try:
            return await self._worker.do(asked, Plan, _limits(asked), hear=lambda plan: _only(best, plan))
        except WorkFailed:
            if not best:
                raise
            return best[0]

    async def effect(self, asked: Asked) -> Effect:
        await self.get_ready()
        return await self._worker.do(asked, Effect, _limits(asked, COMPARING_S))

    async def aclose(self) -> None:
        await self._worker.aclose()


class NoPlanner:
    """Makes no plan: what is begun follows the list. For a virtual clock, where no process is waited for."""

    state = State.COLD

    async def get_ready(self) -> None:
        await trio.sleep_forever()

    async def plan(self, asked: Asked) -> Plan:
        await trio.sleep_forever()

    async def effect(self, asked: Asked) -> Effect:
        await trio.lowlevel.checkpoint()
        raise Refused("this farm makes no plans (its setting [scheduling] optimise is off)")

    async def aclose(self) -> None:
        """Nothing is held."""


def _limits(asked: Asked, overtime_s: float = OVERTIME_S) -> Limits:
    within_s = asked.seconds + overtime_s
    return Limits(MEMORY, processor_s=4 * within_s, wall_s=within_s, answer=MOST_ANSWERED)


def _only(best: list[Plan], plan: Plan) -> None:
    best[:] = [plan]
