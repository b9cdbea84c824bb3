"""What must hold at every moment of a simulated shop: looked at with each commit, start and command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import trio

from farm.domain.ejecting import EjectionState
from farm.domain.event import Fact
from farm.domain.job import ACTIVE_PRINTS, PRINTS, JobState, Print, PrintState
from farm.domain.printer import Plate
from farm.store import ejections, events, jobs, printers, prints
from farm.store.database import Database
from tests.simulation.machine import EJECTION, Machine

_NOT_BEGUN = frozenset({PrintState.RESERVED, PrintState.UPLOADING})
_STATES = {f"print.{state}" for state in PrintState}


class PromiseBroken(AssertionError):
    """Something happened that must never happen."""


class Promises:
    """Watches a shop. It notes what is wrong and lets the shop go on: a raise would look like a crash."""

    def __init__(self, database: Database, machines: Mapping[str, Machine]) -> None:
        self.broken: list[str] = []
        self.dispatches = 0  # prints whose row says that their start may go out
        self._dispatched = trio.Event()
        self.given_up: set[str] = set()  # remote names of prints whose printer was taken out under them
        self.over: set[str] = set()  # remote names of prints whose end is committed
        self.never_begun: set[str] = set()  # of those the ones that count as such
        self.emergencies: set[str] = set()  # printers stopped, and not cleared by a person since
        self.counted_short: Counter[str] = Counter()  # plates with bad parts among them, by job
        self.maintenance: set[str] = set()  # printers on which somebody works
        self.ejected = 0  # plates cleared without anybody
        self._database = database
        self._machines = machines
        self._seq = 0
        self._prints: dict[str, PrintState] = {}
        self._holding: dict[str, str] = {}  # print by printer
        self._tell_of_facts = database.on_facts
        database.on_facts = self._see

    def look(self, op: Callable[..., Any], *args: Any) -> Any:
        """Read at once, without letting anybody else run."""
        return self._database._writer.look(lambda db: op(db, *args))

    def require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.broken.append(otherwise)

    async def dispatched(self, wanted: int) -> None:
        """Wait until so many starts were committed."""
        while self.dispatches < wanted:
            self._dispatched = trio.Event()
            await self._dispatched.wait()

    # -- at every moment -----------------------------------------------------------------------

    def check_start(self, printer: str, remote_name: str) -> bool:
        """At the very moment in which a machine begins what the farm told it to; whether that still waits."""
        again = self._machines[printer].starts.get(remote_name, 0) > 0
        self.require(not again, f"{printer} begins {remote_name} twice")
        if remote_name.endswith(EJECTION):
            return self._check_ejection(printer, remote_name)
        row, plate = self.look(prints.active_on, printer), self.look(printers.plate, printer)
        if plate is None or remote_name in self.given_up:  # told while its printer was in the farm
            return False
        if remote_name in self.never_begun:
            return False
        committed = row is not None and (row.remote_name, row.state) == (remote_name, PrintState.STARTING)
        self.require(committed, f"{printer} begins {remote_name} while the row says {row}")
        self.require(plate.plate is Plate.CLEAR, f"{printer} begins {remote_name} on a plate {plate}")
        return True

    def _check_ejection(self, printer: str, remote_name: str) -> bool:
        row, plate = self.look(ejections.open_on, printer), self.look(printers.plate, printer)
        if plate is None or remote_name in self.over:  # it was left to a person, and begins late
            return False
        committed = row is not None and (row.remote_name, row.state) == (remote_name, EjectionState.STARTING)
        self.require(committed, f"{printer} begins {remote_name} while the row says {row}")
        self.require(plate.plate is Plate.OCCUPIED, f"{printer} begins {remote_name} on a plate {plate}")
        bed, release = self._machines[printer].bed_degc, row.release_degc if row is not None else 0.0
        self.require(bed <= release + 0.01, f"{printer} begins {remote_name} at {bed} °C")
        newest = self.look(prints.last_on, printer)
        lies_there = row is not None and newest is not None and newest.id == row.print
        self.require(lies_there, f"{printer} begins {remote_name} to push {newest} off")
        return True

    def check_delete(self, printer: str, remote_name: str) -> None:
        """At the very moment in which a machine deletes a file because the farm told it to."""
        row = self.look(prints.active_on, printer)
        self.require(remote_name in self.over, f"{printer} deletes {remote_name}, of which we know no end")
        self.require(row is None or row.remote_name != remote_name, f"{printer} deletes the file of {row}")

    def check_sent(self, printer: str, command: str) -> None:
        """At the very moment in which the farm sends something else than a question."""
        if command == "emergency_stop":
            self.emergencies.add(printer)
        else:
            self.require(printer not in self.emergencies, f"{command} sent to {printer} in its emergency")
        if command == "eject":
            self.require(printer not in self.maintenance, f"an ejection on {printer} under maintenance")
        if command == "start":
            self.require(printer not in self.maintenance, f"a start sent to {printer} under maintenance")
            self.require(not self._machines[printer].dirty, f"a start sent to {printer} onto plastic")

    def _see(self, facts: list[Fact]) -> None:
        for fact in facts:
            self.require(fact.seq == self._seq + 1, f"fact {fact.seq} came after {self._seq}")
            self._seq = fact.seq
            if fact.type in _STATES:
                self._see_print(fact.data)
            elif fact.type == "print.counted":
                self._see_count(fact.data)
            elif fact.type == "ejection.changed":
                self._see_ejection(fact.data)
        self._tell_of_facts(facts)

    def _see_print(self, data: Mapping[str, Any]) -> None:
        name, printer, state = data["print"], data["printer"], PrintState(data["to"])
        before = self._prints.get(name)
        self.require(data["from"] == before, f"{name} went from {data['from']}, and was {before}")
        self._prints[name] = state
        if before is None:
            self.require(printer not in self._holding, f"{printer} is given to a second print")
            self.require(state is PrintState.RESERVED, f"{name} came into being {state}")
            self._holding[printer] = name
        else:
            self.require(state in PRINTS[before], f"{name} went from {before} to {state}")
        if before in ACTIVE_PRINTS:
            self.require(self._holding.get(printer) == name, f"{name} goes on without {printer}")
        if state is PrintState.STARTING:
            self.dispatches += 1
            self._dispatched.set()
        if before in ACTIVE_PRINTS and state not in ACTIVE_PRINTS:
            self._holding.pop(printer, None)
            if data["why"] == "its printer was taken out of the farm":
                self.given_up.add(self.look(prints.existing, name).remote_name)
            self._see_end(name, printer, before, state)

    def _see_ejection(self, data: Mapping[str, Any]) -> None:
        ejection, printer = self.look(ejections.existing, data["ejection"]), data["printer"]
        name = ejection.remote_name
        self.require(printer not in self._holding, f"{printer} pushes off while it has a print")
        if data["to"] in ("done", "left"):
            self.over.add(name)
        if data["to"] == "done":
            machine = self._machines[printer]
            self.require(name in machine.finished, f"{name} was called done and was not")
            self.ejected += 1

    def _see_count(self, data: Mapping[str, Any]) -> None:
        job, good = self.look(jobs.existing, data["job"]), data["good"]
        if good is not None:
            self.require(0 <= good <= job.yield_per_plate, f"{good} good parts of {job}")
            self.counted_short[job.id] += good < job.yield_per_plate

    def _see_end(self, name: str, printer: str, before: PrintState | None, state: PrintState) -> None:
        machine, remote_name = self._machines[printer], self.look(prints.existing, name).remote_name
        self.over.add(remote_name)
        if (before, state) == (PrintState.STARTING, PrintState.FAILED):
            self.never_begun.add(remote_name)
        if state is PrintState.FINISHED:
            self.require(remote_name in machine.finished, f"{remote_name} was called good and was not")
        if before in _NOT_BEGUN:
            self.require(remote_name not in machine.starts, f"{remote_name} was taken back, and had begun")
        if state is not PrintState.UNKNOWN:  # then nothing is claimed
            runs = machine.running == remote_name and not machine.foreign
            self.require(not runs, f"{remote_name} is {state}, and runs")

    # -- at the end ----------------------------------------------------------------------------

    def check(self) -> None:
        """Raise PromiseBroken when anything was noted, or the database does not tell what happened."""
        self._check_starts()
        self._check_rows()
        if self.broken:
            raise PromiseBroken("\n".join(self.broken))

    def _check_starts(self) -> None:
        starts: Counter[str] = Counter()
        for machine in self._machines.values():
            starts.update(machine.starts)
        for name, count in starts.items():
            self.require(count == 1, f"{name} was started {count} times")
        for printer, machine in self._machines.items():
            self.require(not machine.spoiled, f"{printer} has {machine.spoiled}, written twice at once")

    def _check_rows(self) -> None:
        rows = self.look(_every_print)
        for row in rows:
            machine = self._machines[row.printer]
            late = row.remote_name in self.never_begun & machine.seen & machine.starts.keys()
            self.require(not late or row.state is PrintState.UNKNOWN, f"{row} was seen printing")
        self.require({row.id: row.state for row in rows} == self._prints, "prints came or went unseen")
        finished = Counter(row.job for row in rows if row.state is PrintState.FINISHED)
        for job in {row.job for row in rows}:
            kept = self.look(jobs.existing, job)
            made = sum(_parts(row, kept.yield_per_plate) for row in rows if row.job == job)
            copies = min(kept.copies, made // kept.yield_per_plate)
            self.require(kept.done == copies, f"{job} has {made} parts: {kept}")
            needed = kept.copies + self.counted_short[job]
            self.require(finished[job] <= needed, f"{job} was printed {finished[job]} times: {kept}")
            printed = kept.done == kept.copies and kept.state is not JobState.CANCELLED
            self.require((kept.state is JobState.DONE) == printed, f"{job} is {kept}")
        facts = self.look(events.since, 0, 1_000_000)
        self.require([fact.seq for fact in facts] == list(range(1, len(facts) + 1)), "facts with a gap")


def _parts(row: Print, per_plate: int) -> int:
    """The good parts of a print, as far as anybody has counted them."""
    return (per_plate if row.state is PrintState.FINISHED else 0) if row.good is None else row.good


def _every_print(db: Any) -> Any:
    return prints.page(db, None, 1_000_000, job=None, printer=None, state=None)
