"""Who may wait for whom. Two actors waiting for each other would stand still for ever."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from graphlib import CycleError, TopologicalSorter

current_actor: ContextVar[str | None] = ContextVar("current_actor", default=None)
"""The name of the actor whose task is running; tasks started by an actor inherit it."""


def kind(name: str) -> str:
    """The kind of an actor: "printer" for "printer:mk4-03"."""
    return name.partition(":")[0]


class Directions:
    """The declared pairs (who waits, for whom), by kind of actor; what is not declared is refused.

    Raises ValueError when the pairs form a circle: whoever waits around it could wait for itself.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = frozenset(pairs)
        waits_for: dict[str, set[str]] = {}
        for waiting, answering in self.pairs:
            waits_for.setdefault(waiting, set()).add(answering)
        try:
            TopologicalSorter(waits_for).prepare()
        except CycleError as error:
            raise ValueError(f"actors would wait in a circle: {' -> '.join(error.args[1])}") from error

    def check(self, answering: str) -> None:
        """Raise ValueError when the running actor may not wait for `answering`. Free outside actors."""
        waiting = current_actor.get()
        if waiting is not None and (kind(waiting), kind(answering)) not in self.pairs:
            raise ValueError(
                f"{waiting} may not wait for {answering}: declare the direction, or use tell_nowait or Latest"
            )
