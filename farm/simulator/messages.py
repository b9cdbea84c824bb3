"""What one can say to the farm's simulator."""

from __future__ import annotations

from dataclasses import dataclass

from farm.actors import Ask
from farm.domain.printer import Address, Simulation


@dataclass(frozen=True, slots=True)
class Simulate(Ask[Address]):
    """Let this printer be there. Answered with where it is, once it can be reached.

    Saying it again changes nothing, unless the simulation is another: then it is a fresh printer.
    Raises PrinterUnreachable when it could not be started.
    """

    printer: str
    simulation: Simulation


@dataclass(frozen=True, slots=True)
class EndSimulation:
    """This printer is no longer in the farm."""

    printer: str


SimulatorMessage = Simulate | EndSimulation
