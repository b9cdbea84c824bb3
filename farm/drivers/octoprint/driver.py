"""OctoPrint: asks over REST, listens at its push socket, and hands both to the protocols."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import structlog
import trio
from msgspec import structs

from farm.domain.file import RemoteFile
from farm.domain.printer import BUSY, Address
from farm.drivers import tls
from farm.drivers.alarm import Alarm
from farm.drivers.base import AnswerLost, Capability, Identity, Outcome, Reading
from farm.drivers.exchange import Request, file_envelope
from farm.drivers.http import PATIENT, Http, Patience
from farm.drivers.octoprint import files, protocol, push
from farm.drivers.pace import Flooded
from farm.drivers.websocket import VIGILANT, PushSocket, Vigilance, hold_push_socket
from farm.errors import NotFound, PrinterUnreachable, ProtocolError, Refused

log = structlog.get_logger(__name__)

URGENT_S = 3.0  # in all for an emergency stop: then somebody has to run
POLL_BUSY_S, POLL_IDLE_S = 2.0, 5.0  # where nothing is pushed
MISSED_LOOKS = 3
COPIED_PER_S = 1_000_000  # bytes; the card of a slow Raspberry Pi takes several times that
SETTLE_EVERY_S, SETTLED_LOOKS = 1.0, 3
TRY_PUSH_AGAIN_S = 600.0
LEAST_BETWEEN_S = 0.4  # of two readings told; OctoPrint keeps to 0.5 s itself, a plugin of it may not


class OctoPrintDriver:
    """One printer behind an OctoPrint; see `base.Driver` for what each call promises."""

    # What it tells of the console has the stream of a print's lines in it, too.
    capabilities = frozenset(Capability) - {Capability.CONSOLE, Capability.BINARY_GCODE}

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
        key = {"X-Api-Key": address.api_key}
        self._told_no_push = False
        elsewhere = {protocol.API: address.endpoints.get("api", protocol.API)}
        self._push_path = address.endpoints.get("push", push.PATH)
        self._http = Http(address.url, protocol.PEER, key, patience, trust, elsewhere=elsewhere)

    async def identify(self) -> Identity:
        return protocol.identity(await self._http.send_alone(protocol.version()))

    async def check(self) -> None:
        protocol.identity(await self._http.send_kept(protocol.version()))

    async def status(self) -> Reading:
        machine, job = await self._look()
        return protocol.reading(machine, job)

    async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
        while True:
            # First of all: a key that is not taken, or a host that is away, is no matter of the socket.
            login = await self._log_in()
            following = _Following(self._vigilance, login, self._log_in, self._look, tell)
            try:
                await hold_push_socket(
                    self._address.url,
                    self._push_path,
                    protocol.PEER,
                    following.use,
                    self._trust,
                    self._vigilance,
                )
            except Flooded as problem:
                why = f"{problem} It asks every few seconds instead."
                self._note_no_push(why)
            except (PrinterUnreachable, ProtocolError) as problem:  # an old proxy in between, mostly
                if following.was_pushed:
                    self._told_no_push = False
                    raise
                why = ""
                self._note_no_push(str(problem))
            with trio.move_on_after(TRY_PUSH_AGAIN_S):
                await self._poll(tell, why)

    def _note_no_push(self, problem: str) -> None:
        if not self._told_no_push:
            log.warning("printer does not push", url=self._address.url, problem=problem)
        self._told_no_push = True

    async def upload(self, source: Path, remote_name: str, size: int) -> RemoteFile:
        envelope = file_envelope(remote_name, secrets.token_hex(16))
        answer, sha1 = await self._http.send_file(files.upload(), source, size, envelope)
        files.uploaded(answer, remote_name)
        return files.stored(await self._record(remote_name), remote_name, size, sha1)

    async def copy(self, source: str, remote_name: str, size: int, checksum: str) -> RemoteFile:
        try:
            files.original(await self._record(source), source, size, checksum)
            made = await self._is_copied(source, remote_name, self._patience.command_s + size / COPIED_PER_S)
        except (NotFound, Refused):
            if await self._record(remote_name) is None:
                raise
            made = False  # but begun by somebody who asked before
        if not made:
            await self._settle(remote_name, size, checksum)
        return files.stored(await self._record(remote_name), remote_name, size, checksum)

    async def _is_copied(self, source: str, remote_name: str, within_s: float) -> bool:
        """Ask for a copy. False when it may be made, or be under way."""
        try:
            answer = await self._http.send(files.copy(source, remote_name), within_s)
        except (AnswerLost, ProtocolError):
            return False
        return files.copied(answer, source, remote_name)

    async def _settle(self, remote_name: str, size: int, checksum: str) -> None:
        """Wait until a copy begun at some time is whole, and what is remembered of it has come along.

        Raises AnswerLost when there is none to be seen.
        """
        whole = missed = 0
        while whole < SETTLED_LOOKS:
            record = None
            with suppress(PrinterUnreachable, ProtocolError):
                record = await self._record(remote_name)
            whole = whole + 1 if record is not None and record.holds(size, checksum) else 0
            missed = missed + 1 if record is None else 0
            if missed == MISSED_LOOKS:
                raise AnswerLost(f"OctoPrint does not say whether it copied {remote_name}.")
            await trio.sleep(SETTLE_EVERY_S)

    async def _record(self, remote_name: str) -> files.FileRecord | None:
        return files.file_record(await self._http.send(files.file(remote_name)))

    async def start(self, remote_name: str) -> None:
        await self._command(files.start(remote_name), remote_name)

    async def pause(self) -> None:
        await self._command(protocol.pause())

    async def resume(self) -> None:
        await self._command(protocol.resume())

    async def cancel(self) -> None:
        await self._command(protocol.cancel())

    async def emergency_stop(self) -> None:
        protocol.accepted(await self._http.send_at_once(protocol.emergency_stop(), URGENT_S))

    async def send_gcode(self, lines: Sequence[str]) -> None:
        await self._command(protocol.gcode(lines))

    async def set_temperature(self, heater: str, target_degc: float) -> None:
        machine = protocol.machine(await self._http.send(protocol.printer()))
        await self._command(protocol.target(heater, target_degc, machine))

    async def home(self, axes: Sequence[str]) -> None:
        await self._command(protocol.home(axes))

    async def jog(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        await self._command(protocol.jog(x, y, z))

    async def connect_machine(self) -> None:
        await self._command(protocol.connect_machine())

    async def disconnect_machine(self) -> None:
        await self._command(protocol.disconnect_machine())

    async def delete(self, remote_name: str) -> None:
        files.deleted(await self._http.send(files.delete(remote_name)), remote_name)

    async def outcome(self, remote_name: str, mark: str = "") -> Outcome:
        # First the printer, then the history: an end between the two is then in the history.
        reading = await self.status()
        return files.outcome(reading, await self._record(remote_name), remote_name, mark)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _look(self) -> tuple[protocol.Machine, protocol.Job]:
        # In this order: an ending print then shows as still printing, never as lost half-way.
        machine = protocol.machine(await self._http.send(protocol.printer()))
        return machine, protocol.current_job(await self._http.send(protocol.job()))

    async def _log_in(self) -> protocol.Login:
        return protocol.login(await self._http.send_at_once(protocol.log_in(), self._patience.silence_s))

    async def _poll(self, tell: Callable[[Reading], None], why: str) -> NoReturn:
        """why: what a person should know about it, "" for nothing."""
        freshness, missed = protocol.Freshness(self._vigilance.stale_s), 0
        while True:
            try:
                machine, job = await self._look()
            except PrinterUnreachable:
                missed += 1
                if missed == MISSED_LOOKS:
                    raise
                await trio.sleep(POLL_BUSY_S)
                continue
            missed = 0
            reading = protocol.reading(machine, job)
            judged = freshness.judge(reading, machine, job, trio.current_time())
            tell(structs.replace(judged, attention=judged.attention or why))
            await trio.sleep(POLL_BUSY_S if reading.operation in BUSY else POLL_IDLE_S)

    async def _command(self, request: Request, remote_name: str = "") -> None:
        try:
            answer = await self._http.send(request, self._patience.command_s)
        except ProtocolError as error:  # an answer, but none that says whether it was carried out
            raise AnswerLost(f"{error} Whether the command was carried out is unknown.") from error
        protocol.accepted(answer, remote_name)


class _Following:
    """Follows one printer at one push socket, for as long as that holds.

    One task listens; another sees to what is due when nothing comes.
    """

    def __init__(
        self,
        vigilance: Vigilance,
        login: protocol.Login,
        log_in: Callable[[], Awaitable[protocol.Login]],
        look: Callable[[], Awaitable[tuple[protocol.Machine, protocol.Job]]],
        tell: Callable[[Reading], None],
    ) -> None:
        self._silence_s = vigilance.silence_s
        self._session = push.Session(vigilance.stale_s)
        self._login = login
        self._log_in = log_in
        self._look = look
        self._tell = tell
        self.was_pushed = False
        self._pace = push.AT_REST  # as most are when we come
        self._held: Reading | None = None
        self._alarm = Alarm()
        self._heard_at = trio.current_time()
        self._told_at = float("-inf")

    async def use(self, socket: PushSocket) -> NoReturn:
        """Listens for ever; see `hold_push_socket`."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._see_to_what_is_due)
            await self._listen(socket)

    async def _listen(self, socket: PushSocket) -> NoReturn:
        # At once: it listens from the beginning, and a thousand printers would be greeted for a second.
        await socket.send(push.subscription(), push.pace(self._pace), push.authentication(self._login))
        await socket.listen(partial(self._hear, socket))

    def _hear(self, socket: PushSocket, message: str) -> Awaitable[None] | None:
        now = self._heard_at = trio.current_time()
        match self._session.receive(message, now):
            case Reading() as reading:
                self.was_pushed = True
                self._take(reading, now)
                return self._another_pace(socket, reading)
            case push.StateChanged() if self._pace != push.AT_WORK:
                return socket.send(push.subscription())
            case push.LoginWanted():
                return self._log_in_anew(socket)
        return None

    def _another_pace(self, socket: PushSocket, reading: Reading) -> Awaitable[None] | None:
        wanted = push.AT_WORK if reading.operation in BUSY else push.AT_REST
        if wanted == self._pace:
            return None
        self._pace = wanted
        return socket.send(push.pace(wanted))

    async def _log_in_anew(self, socket: PushSocket) -> None:
        await socket.send(push.authentication(await self._log_in()))

    async def _see_to_what_is_due(self) -> NoReturn:
        while True:
            await self._alarm.sleep_past(self._due_at)
            if self._held is not None:
                self._pass_on(self._held, trio.current_time())
            else:
                await self._break_the_silence()

    def _due_at(self) -> float:
        if self._held is not None:
            return self._told_at + LEAST_BETWEEN_S
        return self._heard_at + self._silence_s

    async def _break_the_silence(self) -> None:
        """Ask: OctoPrint pushes nothing while its printer says nothing."""
        began = trio.current_time()
        machine, job = await self._look()
        if self._heard_at <= began:  # what was pushed meanwhile is newer
            self._heard_at = trio.current_time()
            self._take(self._session.looked(machine, job, self._heard_at), self._heard_at)

    def _take(self, reading: Reading, now: float) -> None:
        """Pass a reading on, or hold it for a moment: the next push may be far away."""
        if now < self._told_at + LEAST_BETWEEN_S:
            self._held = reading
            self._alarm.set(self._told_at + LEAST_BETWEEN_S)
        else:
            self._pass_on(reading, now)

    def _pass_on(self, reading: Reading, now: float) -> None:
        self._held, self._told_at = None, now
        self._tell(reading)
