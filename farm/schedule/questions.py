"""What people ask about the plan, answered in a process of its own beside the one that makes plans.

It loads nothing that takes long, is started by the first question, and ends when nobody asks any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import trio

from farm.domain.plan import Explanation, Quote
from farm.schedule.facts import Facts
from farm.workers.process import Worker
from farm.workers.surroundings import Surroundings
from farm.workers.wire import Limits

MB = 1_000_000
LIMITS = Limits(memory=500 * MB, processor_s=30.0, wall_s=30.0, answer=16 * MB)
IDLE_S = 300.0


@dataclass(frozen=True, slots=True)
class Question:
    """About one of the jobs in the facts. quote: when it would be done; else why it is where it is."""

    facts: Facts
    job: str
    quote: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """To the one that was asked."""

    explanation: Explanation | None = None
    quote: Quote | None = None


class Questions(Protocol):
    """Answers one question after the other."""

    async def answer(self, question: Question) -> Answer:
        """Raises WorkFailed."""
        ...

    async def run(self) -> None:
        """Tidy up, for ever."""
        ...

    async def aclose(self) -> None:
        """Let go of whatever it holds."""
        ...


class InlineQuestions:
    """On the loop, for runs on a virtual clock."""

    async def answer(self, question: Question) -> Answer:
        from farm.schedule.answers import answer_to

        await trio.lowlevel.checkpoint()
        return answer_to(question)

    async def run(self) -> None:
        await trio.sleep_forever()

    async def aclose(self) -> None:
        """Nothing is held."""


class ProcessQuestions:
    """In a worker process."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._worker = Worker("farm.schedule.answers", surroundings)
        self._one_at_a_time = trio.Lock()
        self._asked_at = 0.0

    async def answer(self, question: Question) -> Answer:
        async with self._one_at_a_time:
            self._asked_at = trio.current_time()
            return await self._worker.do(question, Answer, LIMITS)

    async def run(self) -> None:
        while True:
            await trio.sleep(IDLE_S)
            async with self._one_at_a_time:
                if trio.current_time() - self._asked_at >= IDLE_S:
                    await self._worker.aclose()

    async def aclose(self) -> None:
        await self._worker.aclose()
