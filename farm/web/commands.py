"""What people tell one printer."""

from __future__ import annotations

import dataclasses
import re
from typing import Annotated, Any, Literal, TypeAlias, Union

import msgspec

from farm.access.rights import Action, require
from farm.domain.command import NAMES, Command, Jog, SendGcode, SetTemperature
from farm.errors import Invalid
from farm.printers.messages import RunCommand
from farm.queue.messages import ClearPlate, UndoPlate
from farm.store.printers import PlateRow
from farm.web.contract import Accepted, Is
from farm.web.intake import decoded
from farm.web.printers import find, target
from farm.web.routes import Call, Entry, Route

ANSWER_WITHIN_S = 5.0  # of a printer's actor, which only accepts or refuses

_HEATER = re.compile(r"[a-z][a-z0-9_]{0,31}")

Line: TypeAlias = Annotated[str, msgspec.Meta(max_length=200)]
Millimetres: TypeAlias = Annotated[float, msgspec.Meta(ge=-500, le=500)]  # longer than most axes

LIMITS: dict[str, Any] = {
    "reason": Annotated[str, msgspec.Meta(max_length=200)],
    "lines": Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=50)],
    "heater": str,
    "target_degc": Annotated[float, msgspec.Meta(ge=0, le=500)],
    "axes": Annotated[tuple[Literal["x", "y", "z"], ...], msgspec.Meta(min_length=1, max_length=3)],
    "x": Millimetres,
    "y": Millimetres,
    "z": Millimetres,
}
"""What may stand in a command's fields. A field that is not here stops the farm from being built."""


class PlateCleared(msgspec.Struct, tag_field="command", tag="plate_cleared", forbid_unknown_fields=True):
    """good: parts that came off well; left out, the job's yield."""

    good: Annotated[int, msgspec.Meta(ge=0)] | None = None


class PlateUndo(msgspec.Struct, tag_field="command", tag="plate_undo", forbid_unknown_fields=True):
    """Take `plate_cleared` back."""


def _shape(kind: type[Command]) -> type[msgspec.Struct]:
    """A command as it comes in: the fields of the domain's, held to their limits."""
    fields: list[tuple[str, Any, Any]] = [
        (field.name, LIMITS[field.name], msgspec.NODEFAULT if _is_needed(field) else field.default)
        for field in dataclasses.fields(kind)
    ]
    return msgspec.defstruct(
        kind.__name__, fields, tag_field="command", tag=NAMES[kind], forbid_unknown_fields=True
    )


def _is_needed(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING


SHAPES: dict[type[msgspec.Struct], type[Command]] = {_shape(kind): kind for kind in NAMES}
_ANY: Any = Union[(*SHAPES, PlateCleared, PlateUndo)]
AnyCommand: TypeAlias = Annotated[msgspec.Struct, Is(_ANY)]

Sent: TypeAlias = Command | PlateCleared | PlateUndo


class Taken(msgspec.Struct):
    """command_id: stands in the fact `printer.commandFinished` that tells how it went."""

    command_id: str


async def command_printer(call: Call, printer: str, sent: AnyCommand) -> Accepted[Taken]:
    """Tell a printer to do something. Accepted or refused at once.

    What came of it is the fact `printer.commandFinished` with its id.
    """
    return Accepted(Taken(await tell_printer(call, printer, _command(sent))))


def as_command(body: bytes) -> Sent:
    """The same from elsewhere than a request. Raises Invalid naming the field."""
    return _command(decoded(body, _ANY))


async def tell_printer(call: Call, printer: str, command: Sent) -> str:
    """Let a printer's actor, or the queue for its plate, accept a command; returns the command's id.

    Raises Forbidden, NotFound, Refused and whatever else stands in the way.
    """
    at, id = target(await find(call, printer)), call.new_id()
    require(call.asker, _right_to(command), at)
    match command:
        case PlateCleared(good=good):
            clear = ClearPlate(printer, good, id)
            await call.change(PlateRow, lambda by: call.desk.queue.ask(clear, by=by))
        case PlateUndo():
            undo = UndoPlate(printer, id)
            await call.change(PlateRow, lambda by: call.desk.queue.ask(undo, by=by))
        case _:
            mailbox = call.desk.printer(printer)
            run = RunCommand(id, command)
            await call.send(lambda by: mailbox.ask(run, by=by, timeout=ANSWER_WITHIN_S))
    return id


def _command(sent: msgspec.Struct) -> Sent:
    """What the request says. Raises Invalid naming the field."""
    if isinstance(sent, (PlateCleared, PlateUndo)):
        return sent
    return sensible(SHAPES[type(sent)](**msgspec.structs.asdict(sent)))


def sensible(command: Command) -> Command:
    """The command, unless no printer could make sense of it: then Invalid is raised."""
    match command:
        case SendGcode(lines):
            if not all(line.isprintable() for line in lines):  # a line break would smuggle another line in
                raise Invalid("a line of G-code is plain text without line breaks or tabs", "lines")
            if not any(line.strip() for line in lines):
                raise Invalid("there is no G-code in these lines", "lines")
        case SetTemperature(heater):
            if not _HEATER.fullmatch(heater):
                raise Invalid("a heater is called as the printer's status shows it: tool0, bed", "heater")
        case Jog(x, y, z):
            if not (x or y or z):
                raise Invalid("say how many millimetres to move along x, y or z", "x")
    return command


def _right_to(sent: Sent) -> Action:
    match sent:
        case PlateCleared() | PlateUndo():
            return Action.CLEAR_PLATE
        case SendGcode():
            return Action.SEND_GCODE
        case _:
            return Action.CONTROL


ROUTES = (Route("POST", "/v1/printers/<printer>/commands", command_printer, Entry.KNOWN, also=(429, 502)),)
