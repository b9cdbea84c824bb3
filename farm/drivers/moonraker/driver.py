"""Moonraker: asks and commands over HTTP, listens at its push socket, and hands both to the protocols."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

import structlog
import trio
from msgspec import structs

from farm.domain.file import RemoteFile
from farm.domain.printer import BUSY, Address, Operation
from farm.drivers import tls
from farm.drivers.alarm import Alarm
from farm.drivers.base import AnswerLost, Capability, Identity, Outcome, Reading
from farm.drivers.exchange import Answer, Request, file_envelope
from farm.drivers.http import PATIENT, Http, Patience, Unanswered
from farm.drivers.moonraker.entry import Entry
from farm.drivers.moonraker.protocol import api, files, history, klipper, push
from farm.drivers.moonraker.protocol.klipper import Klipper
from farm.drivers.moonraker.protocol.wish import Wish
from farm.drivers.pace import Flooded
from farm.drivers.websocket import VIGILANT, PushSocket, Vigilance, hold_push_socket
from farm.errors import Forbidden, NotFound, PrinterUnreachable, ProtocolError, Refused

log = structlog.get_logger(__name__)

URGENT_S = 3.0  # in all for an emergency stop: then somebody has to run
REFUSED_WITHIN_S = 8.0  # what Klipper has not refused by then waits for its turn, as long as a heat-up takes
COPIED_PER_S = 1_000_000  # bytes; the card of a slow Raspberry Pi takes several times that
POLL_S = 2.0  # where it pushes too much to be listened to
MISSED_LOOKS = 3
TRY_PUSH_AGAIN_S = 600.0
LEAST_BETWEEN_S = 0.4  # of two readings told; Klipper tells what changed every 0.25 s
AT_REST_S = 2.0  # the same where only temperatures change: idle printers would cost as much as busy ones


class MoonrakerDriver:
    """One printer with Klipper behind a Moonraker; see `base.Driver` for what each call promises."""

    capabilities = frozenset(Capability) - {Capability.MACHINE_LINK, Capability.BINARY_GCODE}

    def __init__(
        self,
        address: Address,
        patience: Patience = PATIENT,
        trust: str = tls.SYSTEM,
        vigilance: Vigilance = VIGILANT,
    ) -> None:
        """Raises Invalid when the address, the key or the trust (see `tls.trusting`) cannot be used."""
        self._address = address
        self._patience = patience
        self._trust = trust
        self._vigilance = vigilance
        self._push_path = address.endpoints.get("push", push.PATH)
        self._wish = Wish()
        self._entry = Entry(address)
        self._http = Http(address.url, api.PEER, self._entry.key, patience, trust)

    async def identify(self) -> Identity:
        return api.identity(await self._entry.send_alone(self._http, api.server_info()))

    async def check(self) -> None:
        api.identity(await self._entry.send_kept(self._http, api.server_info()))

    async def status(self) -> Reading:
        return self._wish.shown(klipper.reading(await self._look()), trio.current_time())

    async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
        while True:
            try:
                await self._listen(tell)
            except Flooded as problem:
                log.warning("printer does not push", url=self._address.url, problem=str(problem))
                with trio.move_on_after(TRY_PUSH_AGAIN_S):
                    await self._poll(tell, f"{problem} It asks every few seconds instead.")

    async def _listen(self, tell: Callable[[Reading], None]) -> NoReturn:
        following = _Following(self._vigilance, self._wish, tell)
        try:
            await hold_push_socket(
                self._address.url,
                self._push_path,
                api.PEER,
                following.use,
                self._trust,
                self._vigilance,
                await self._entry.headers(self._http),
            )
        except Forbidden:
            self._entry.forget()
            raise

    async def _poll(self, tell: Callable[[Reading], None], why: str) -> NoReturn:
        """why: what a person should know about it."""
        prints, missed = klipper.Prints(), 0
        while True:
            try:
                found = await self._look()
            except PrinterUnreachable:
                missed += 1
                if missed == MISSED_LOOKS:
                    raise
                await trio.sleep(POLL_S)
                continue
            missed = 0
            prints.follow(found)
            reading = structs.replace(klipper.reading(found), ended=prints.ended, attention=why)
            tell(self._wish.shown(reading, trio.current_time()))
            await trio.sleep(POLL_S)

    async def upload(self, source: Path, remote_name: str, size: int) -> RemoteFile:
        if await self._is_at_work_on(remote_name):  # Moonraker looks when it has all of it, and at old news
            raise Refused(f"Moonraker does not take {remote_name}: a file of that name is printing.")
        envelope = file_envelope(remote_name, secrets.token_hex(16), files.CHECKSUM)
        request = replace(files.upload(), headers=await self._entry.headers(self._http))
        answer, _ = await self._http.send_file(request, source, size, envelope)
        files.uploaded(answer, remote_name)
        return files.stored(await self._record(remote_name), remote_name, size, await self._mark())

    async def copy(self, source: str, remote_name: str, size: int, checksum: str) -> RemoteFile:
        files.original(await self._record(source), source, size, checksum)
        there = await self._record(remote_name)
        if there is None or not there.holds(size, checksum):
            await self._copy(source, remote_name, size)
            there = await self._record(remote_name)
        return files.stored(there, remote_name, size, await self._mark())

    async def _copy(self, source: str, remote_name: str, size: int) -> None:
        within_s = self._patience.command_s + size / COPIED_PER_S
        files.copied(await self._sent(files.copy(source, remote_name), within_s), source)

    async def _record(self, remote_name: str) -> files.FileRecord | None:
        record = files.file_record(await self._asked(files.metadata(remote_name)))
        return record or files.listed(await self._asked(files.listing()), remote_name)

    async def _mark(self) -> str:
        return history.mark(history.jobs(await self._asked(history.newest())))

    async def start(self, remote_name: str) -> None:
        found = await self._look_first(beside=True)
        api.require_there(found)
        if klipper.reading(found).operation in BUSY or klipper.is_busy_beside(found):
            # It would not be refused, but wait for its turn and begin when nobody reckons with it.
            raise Refused(f"Klipper does not start {remote_name}: it is at work on something else.")
        answer = await self._sent(api.start(remote_name), self._patience.command_s)
        api.accepted(answer, remote_name)

    async def pause(self) -> None:
        if (await self._printing()).operation not in (Operation.PAUSED, Operation.PAUSING):
            await self._in_turn(api.pause(), Operation.PAUSING)

    async def resume(self) -> None:
        if (await self._printing()).operation in (Operation.PAUSED, Operation.PAUSING):
            await self._in_turn(api.resume(), Operation.RESUMING)

    async def cancel(self) -> None:
        await self._printing()
        await self._in_turn(api.cancel(), Operation.CANCELLING)

    async def _printing(self) -> Reading:
        """What it does, where it prints. Raises Refused where not: Klipper itself says "ok" to anything."""
        found = await self._look_first()
        api.require_there(found)
        reading = self._wish.shown(klipper.reading(found), trio.current_time())
        if reading.operation not in BUSY:
            raise Refused("Klipper refused: nothing is being printed.")
        return reading

    async def emergency_stop(self) -> None:
        api.accepted(await self._entry.send_at_once(self._http, api.emergency_stop(), URGENT_S))

    async def send_gcode(self, lines: Sequence[str]) -> None:
        await self._in_turn(api.gcode(lines))

    async def set_temperature(self, heater: str, target_degc: float) -> None:
        await self._in_turn(api.target(heater, target_degc, await self._look_first()))

    async def home(self, axes: Sequence[str]) -> None:
        request = api.home(axes)
        await self._standing()
        await self._in_turn(request)

    async def jog(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        await self._in_turn(api.jog(x, y, z, await self._standing()))

    async def _standing(self) -> Klipper:
        """How Klipper is. Raises Refused while it prints, or is away."""
        found = await self._look_first()
        api.require_there(found)
        if klipper.reading(found).operation in BUSY:
            raise Refused("Nothing is moved by hand while it is printing.")
        return found

    async def connect_machine(self) -> None:
        match (await self._known()).state:
            case "disconnected":  # Moonraker takes it up by itself, as soon as it runs
                raise Refused(api.AWAY)
            case "shutdown" | "error":
                await self._in_turn(api.firmware_restart())

    async def disconnect_machine(self) -> None:
        await trio.lowlevel.checkpoint()
        raise Refused("A Moonraker does not let go of its printer.")

    async def delete(self, remote_name: str) -> None:
        if await self._is_at_work_on(remote_name):  # what Moonraker itself knows of that is a moment old
            raise Refused(files.in_use(remote_name))
        files.deleted(await self._asked(files.delete(remote_name)), remote_name)

    async def _is_at_work_on(self, remote_name: str) -> bool:
        reading = klipper.reading(await self._look())
        file = reading.file
        return reading.operation in BUSY and file is not None and file.remote_name == remote_name

    async def outcome(self, remote_name: str, mark: str = "") -> Outcome:
        # First the printer, then the history: an end between the two is then in the history.
        found = await self._look(beside=True)
        prints = await self._prints_of(remote_name, mark)
        is_there = bool(prints) or await self._record(remote_name) is not None
        if is_there and not prints and klipper.is_busy_beside(found):
            return history.behind_something_else(remote_name)
        return history.outcome(klipper.reading(found), prints, is_there, remote_name)

    async def _prints_of(self, remote_name: str, mark: str) -> list[history.Job] | None:
        """The prints of a file after `mark`, the first first; None where no history is kept."""
        found: list[history.Job] = []
        for number in range(history.MOST_PAGES):
            page = history.jobs(await self._asked(history.page(number * history.PAGE)))
            if page is None:
                return None
            found += page
            if len(page) < history.PAGE or not history.is_after(page[-1], mark):
                break
        return history.ours(found, remote_name, mark)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _look(self, beside: bool = False) -> Klipper:
        """How Klipper is, and all that it shows where it is ready. beside: see `klipper.wanted`."""
        listed = api.klipper_result(await self._asked(api.objects()))
        objects = klipper.Objects(klipper.wanted(listed.get("objects"), beside)) if listed else None
        if objects is None:
            return await self._known()
        answer = api.klipper_result(await self._asked(api.query(objects.wanted)))
        if answer is None:
            return await self._known()
        objects.merge(answer.get("status"))
        return objects.klipper()

    async def _look_first(self, beside: bool = False) -> Klipper:
        """As `_look`, before a command: whatever goes wrong, that has not been sent."""
        try:
            return await self._look(beside)
        except (AnswerLost, ProtocolError) as error:
            raise PrinterUnreachable(f"{error} Nothing was sent.") from error

    async def _known(self) -> Klipper:
        """How Klipper is, in its own words where it has any."""
        found = api.klipper_info(await self._asked(api.printer_info()))
        return found or api.klipper_state(await self._asked(api.server_info()))

    async def _in_turn(self, request: Request, wish: Operation | None = None) -> None:
        """Sends what Klipper does in its turn. Refusals come soon; where none comes, it is accepted."""
        now = trio.current_time()
        if wish is not None:
            self._wish.make(wish, now)
        try:
            api.accepted(await self._sent(request, REFUSED_WITHIN_S))
        except Unanswered:
            await self._still_lives()  # so Klipper has it
        except (Refused, NotFound):
            if wish is not None:
                self._wish.drop()
            raise
        else:
            if wish is not None:
                self._wish.is_done(trio.current_time())

    async def _still_lives(self) -> None:
        """Raises AnswerLost unless Moonraker does: it had been given something, and may have passed it on."""
        try:
            await self._asked(api.server_info())
        except (PrinterUnreachable, ProtocolError) as error:
            raise _lost(error) from error

    async def _sent(self, request: Request, within_s: float) -> Answer:
        """The answer to what changes something. AnswerLost also where it makes no sense."""
        try:
            return await self._asked(request, within_s)
        except ProtocolError as error:
            raise _lost(error) from error

    async def _asked(self, request: Request, within_s: float | None = None) -> Answer:
        return await self._entry.send(self._http, request, within_s)


class _Following:
    """Follows one printer at one push socket, for as long as that holds.

    One task listens; another sees to what is due when nothing comes.
    """

    def __init__(self, vigilance: Vigilance, wish: Wish, tell: Callable[[Reading], None]) -> None:
        self._silence_s = vigilance.silence_s
        self._session = push.Session(vigilance.stale_s)
        self._wish = wish
        self._tell = tell
        self._news = push.News.NONE
        self._at_work = False
        self._alarm = Alarm()
        self._told_at = float("-inf")

    async def use(self, socket: PushSocket) -> NoReturn:
        """Listens for ever; see `hold_push_socket`."""
        self._session.begin(trio.current_time())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._see_to_what_is_due, socket)
            await socket.listen(partial(self._hear, socket))

    def _hear(self, socket: PushSocket, message: str) -> Awaitable[None] | None:
        now = trio.current_time()
        self._news = max(self._news, self._session.receive(message, now))
        due_at = self._due_at()
        if now >= due_at:
            self._pass_on(now)
        else:
            self._alarm.set(due_at)
        return self._say(socket) if self._session.has_to_send else None

    async def _see_to_what_is_due(self, socket: PushSocket) -> NoReturn:
        while True:
            await self._say(socket)
            await self._alarm.sleep_past(self._due_at)
            now = trio.current_time()
            if now >= self._told_at + self._silence_s:
                self._session.look(now)
            if now >= self._due_at():
                self._pass_on(now)

    async def _say(self, socket: PushSocket) -> None:
        for words in self._session.to_send():
            await socket.send(words)

    def _due_at(self) -> float:
        """When the next reading is to be told, if nothing else comes."""
        match self._news:
            case push.News.NONE:
                return self._told_at + self._silence_s
            case push.News.SAMPLE if not self._at_work:
                return self._told_at + AT_REST_S
            case _:
                return self._told_at + LEAST_BETWEEN_S

    def _pass_on(self, now: float) -> None:
        self._news, self._told_at = push.News.NONE, now
        reading = self._session.reading(now)
        if reading is not None:
            self._at_work = reading.operation in BUSY
            self._tell(self._wish.shown(reading, now))


def _lost(error: PrinterUnreachable | ProtocolError) -> AnswerLost:
    return AnswerLost(f"{error} Whether the command was carried out is unknown.")
