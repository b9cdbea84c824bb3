"""What people ask about the plan, answered in a process of its own beside the one that makes plans.

It loads nothing that takes long, is started by the first question, and ends when nobody asks any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import trio

from farm.domain.job import Job
from farm.domain.plan import Explanation, Quote
from farm.errors import NotFound
from farm.schedule.explain import explain
from farm.schedule.facts import Facts
from farm.schedule.in_moments import Translator
from farm.schedule.quote import quote
from farm.schedule.translation import Names, problem_of, schedule_of
from farm.workers.inside import Tell
from farm.workers.process import Worker
from farm.workers.surroundings import Surroundings
from farm.workers.wire import Limits

MB = 1_000_000
LIMITS = Limits(memory=500 * MB, processor_s=30.0, wall_s=30.0, answer=16 * MB)
IDLE_S = 300.0


@dataclass(frozen=True, slots=True)
class Question:
    """why: a job that waits. quote: one that is not there yet."""

    facts: Facts
    why: str | None = None
    quote: Job | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """To the one that was asked."""

    explanation: Explanation | None = None
    quote: Quote | None = None


def work(asked: Question, tell: Tell) -> Answer:
    """Answer a question; see `farm.workers.inside`. Raises NotFound for a job that does not wait."""
    return answer_to(asked)


def answer_to(asked: Question) -> Answer:
    """Raises NotFound for a job that does not wait."""
    facts, quoted = asked.facts, asked.quote
    if quoted is not None:
        facts = replace(facts, jobs=(*facts.jobs, quoted))
    names = Names(facts)
    problem = problem_of(facts, names)
    schedule, translator = schedule_of(facts, problem, names), Translator(facts.at, names)
    if quoted is not None:
        job = next(job for job in problem.jobs if job.id == names.job[quoted.id])
        return Answer(quote=translator.quote(quote(problem, schedule, job)))
    name = names.job.get(asked.why or "")
    if name is None:
        raise NotFound(f"no print of job {asked.why} waits to be begun")
    return Answer(explanation=translator.explanation(explain(problem, schedule, name)))


class Questions(Protocol):
    """Answers one question after the other."""

    async def answer(self, question: Question) -> Answer:
        """Raises NotFound for a job that does not wait, WorkFailed."""
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
        await trio.lowlevel.checkpoint()
        return answer_to(question)

    async def run(self) -> None:
        await trio.sleep_forever()

    async def aclose(self) -> None:
        """Nothing is held."""


class ProcessQuestions:
    """In a worker process."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._worker = Worker(__name__, surroundings)
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
