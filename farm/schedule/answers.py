"""What the process does that answers questions about the plan; see `farm.workers.inside`.

NumPy comes with it.
"""

from __future__ import annotations

from farm.schedule.explain import explain
from farm.schedule.in_moments import Translator
from farm.schedule.questions import Answer, Question
from farm.schedule.quote import quote
from farm.schedule.translation import Names, problem_of, schedule_of
from farm.workers.inside import Tell


def work(asked: Question, tell: Tell) -> Answer:
    """Answer a question."""
    return answer_to(asked)


def answer_to(asked: Question) -> Answer:
    """The job must be one of those in the facts."""
    names = Names(asked.facts)
    problem = problem_of(asked.facts, names)
    schedule = schedule_of(asked.facts, problem, names)
    translator, name = Translator(asked.facts.at, names), names.job[asked.job]
    if not asked.quote:
        return Answer(explanation=translator.explanation(explain(problem, schedule, name)))
    job = next(job for job in problem.jobs if job.id == name)
    return Answer(quote=translator.quote(quote(problem, schedule, job)))
