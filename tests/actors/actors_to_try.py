"""Actors for the tests: what can be said to them, and how some of them fail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import trio

from farm.actors import Ask, Latest, Mailbox, serve
from farm.domain.user import Principal
from farm.errors import Refused


@dataclass(frozen=True, slots=True)
class Double(Ask[int]):
    """Answered with twice the number."""

    number: int


@dataclass(frozen=True, slots=True)
class Sleep(Ask[str]):
    """Answered with "slept" after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fail(Ask[None]):
    """Raises the given error in the actor."""

    error: BaseException = field(default_factory=lambda: ZeroDivisionError("as told"))


@dataclass(frozen=True, slots=True)
class Decline(Ask[None]):
    """Refused, which is no crash."""


@dataclass(frozen=True, slots=True)
class Temperature(Latest):
    """The newest temperature of a printer."""

    printer: str
    degc: float

    @property
    def key(self) -> str:
        return self.printer


class Clerk:
    """A well-behaved actor that notes its runs and what it handled to the end."""

    def __init__(self) -> None:
        self.runs = 0
        self.done: list[Any] = []

    async def run(self, mailbox: Mailbox[Any]) -> None:
        self.runs += 1
        await serve(mailbox, self._do)

    async def _do(self, message: Any, _by: Principal) -> Any:
        answer: Any = None
        match message:
            case Double(number):
                answer = 2 * number
            case Sleep(seconds):
                await trio.sleep(seconds)
                answer = "slept"
            case Fail(error):
                raise error
            case Decline():
                raise Refused("not today")
        self.done.append(message)
        return answer


def count_tasks() -> int:
    """How many tasks of this trio run are alive, whoever started them."""

    def below(task: trio.lowlevel.Task) -> int:
        return 1 + sum(below(child) for nursery in task.child_nurseries for child in nursery.child_tasks)

    root = trio.lowlevel.current_root_task()
    assert root is not None
    return below(root)
