"""Who waits for whom, read from the code: the declared directions are complete, true and free of circles."""

from __future__ import annotations

import ast
import typing
from pathlib import Path

import pytest

import farm.live.messages
import farm.printers.messages
import farm.queue.messages
import farm.schedule.messages
import farm.simulator.messages
import farm.telemetry.messages
from farm.actors import Directions
from farm.app import WAITING

FARM = Path(farm.live.messages.__file__).parents[1]

# Which actor's tasks run the code of a file or folder; the gate's runs for whoever calls it.
RUNS_IN = {
    "queue": ("queue",),
    "printers/fleet.py": ("printers",),
    "printers/maintenance.py": ("printers",),
    "printers/actor.py": ("printer",),
    "printers/cool_down.py": ("printer",),
    "printers/ends.py": ("printer",),
    "printers/decisions.py": ("printer",),
    "printers/tidy.py": ("printer",),
    "printers/foreign_time.py": ("printer",),
    "printers/lookout.py": ("printer",),
    "schedule": ("scheduler",),
    "telemetry": ("telemetry",),
    "clocks": ("clocks",),
    "history": ("history",),
    "files/removal.py": ("files", "web"),
    "files": ("files",),
    "live/broadcaster.py": ("events",),
    "live/clients.py": ("clients",),
    "live": ("client",),
    "simulator/driver.py": ("printer",),
    "web": ("web",),
    "web/commands.py": ("web", "client"),
    "access": ("web", "client"),
}

HEARD_BY = {
    "queue": farm.queue.messages.QueueMessage,
    "printers": farm.printers.messages.FleetMessage,
    "printer": farm.printers.messages.PrinterMessage,
    "scheduler": farm.schedule.messages.SchedulerMessage,
    "simulator": farm.simulator.messages.SimulatorMessage,
    "events": farm.live.messages.BroadcasterMessage,
    "clients": farm.live.messages.ClientsMessage,
    "client": farm.live.messages.ClientMessage,
}

MADE_BY = {"meant": "AddJob"}
"""Functions that make a message of what was sent."""

OUTSIDE = (
    "actors",
    "store",
    "commands",
    "app.py",
    "demo/prepare.py",
)  # the runtime itself, and what runs in no actor


def listener(message: str) -> str:
    """The actor that hears messages of this class."""
    for actor, union in HEARD_BY.items():
        if message in {member.__name__ for member in typing.get_args(union)}:
            return actor
    raise AssertionError(f"nobody hears {message}: name it in an actor's union of messages")


def waits(source: str) -> set[str]:
    """The actors that this source text waits for."""
    tree, found = ast.parse(source), set()
    made = {
        node.targets[0].id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        verb, owner = node.func.attr, ast.unparse(node.func.value)
        if verb in ("write", "change") and owner.rpartition(".")[2].lstrip("_") in ("database", "store"):
            found.add("database")
        elif verb in ("ask", "tell"):
            found.add(listener(message_class(node.args[0], made)))
    return found


def message_class(argument: ast.expr, made: dict[str, ast.expr]) -> str:
    """The class of a message that is written where it is sent, or given a name just before."""
    if isinstance(argument, ast.Name) and argument.id in made:
        argument = made[argument.id]
    if isinstance(argument, ast.Call) and isinstance(argument.func, ast.Name):
        return MADE_BY.get(argument.func.id, argument.func.id)
    raise AssertionError(f"{ast.unparse(argument)}: make the message where it is sent, so that its way shows")


def running_in(path: Path) -> tuple[str, ...]:
    """The actors whose tasks run this file."""
    name = path.relative_to(FARM).as_posix()
    fitting = [place for place in RUNS_IN if name == place or name.startswith(place + "/")]
    assert fitting, f"{name} waits for an actor; say in RUNS_IN whose tasks run it"
    return RUNS_IN[max(fitting, key=len)]


def test_the_declared_directions_are_those_of_the_code():
    found = set()
    for path in FARM.rglob("*.py"):
        name = path.relative_to(FARM).as_posix()
        if name.startswith(OUTSIDE):
            continue
        for answering in waits(path.read_text("utf-8")):
            found |= {(waiting, answering) for waiting in running_in(path)}
    assert found == set(WAITING)


def test_the_declared_directions_form_no_circle():
    Directions(WAITING)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("await queue.ask(AddJob(file))", {"queue"}),
        ("wish = AddJob(file); await queue.ask(wish)", {"queue"}),
        ("await self._parts.database.write(op, 1)", {"database"}),
        ("await self._store.write(op)", {"database"}),
        ("await database.change(by, op, 1)", {"database"}),
        ("await call.change(Job, lambda by: queue.ask(AddJob(file), by=by))", {"queue"}),
        ("queue.tell_nowait(PrinterGone(id))", set()),
        ("await file.write(data)", set()),
    ],
)
def test_waiting_is_seen_in_a_line_of_code(line: str, expected: set[str]):
    assert waits(f"async def f():\n    {line}") == expected


def test_a_message_that_is_not_written_out_is_refused():
    with pytest.raises(AssertionError, match="make the message where it is sent"):
        waits("async def f():\n    await queue.ask(message)")
