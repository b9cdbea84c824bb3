"""PrusaLink: asks now and then, one question at a time, and hands the answers to the protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn, TypeAlias

import trio

from farm.domain.file import RemoteFile
from farm.domain.printer import BUSY, Address, Operation
from farm.drivers import tls
from farm.drivers.base import AnswerLost, Capability, Identity, Outcome, Reading
from farm.drivers.digest import Digest
from farm.drivers.exchange import Answer, Envelope, Request
from farm.drivers.http import PATIENT, Http, Patience
from farm.drivers.prusalink import files, protocol
from farm.drivers.prusalink.session import OVER_S, STALE_S, Session
from farm.errors import NotFound, PrinterUnreachable, ProtocolError, Refused

URGENT_S = 3.0  # in all for what stops a print in an emergency: then somebody has to run
URGENT_AGAIN_S = 0.2  # between looks for a print that is to be stopped, and does not show yet
BEGINS_WITHIN_S = 30.0  # a print whose start it was sent; it shows after some seconds
MISSED_LOOKS = 3
SHOWN_WITHIN_S = 15.0  # until its list shows a change; it reads its disk again every second or so


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often PrusaLink is asked, in seconds: it is a small computer, and printing comes first.

    every_s: between looks. sending_s: while a file goes there. answer_s: how long one look may take.
    again_s: while a change is to show. stale_s, over_s: see `Session`.
    """

    every_s: float = 5.0
    sending_s: float = 20.0
    answer_s: float = 5.0
    again_s: float = 1.0
    stale_s: float = STALE_S
    over_s: float = OVER_S


GENTLE = Rhythm()

_Ask: TypeAlias = Callable[[Request], Awaitable[Answer]]


class _NothingPrints(Refused):
    """There is no print that a command could be for."""


class _NoNumberYet(Refused):
    """There is a print, and no command can name it."""


class PrusaLinkDriver:
    """One printer that speaks PrusaLink; see `base.Driver` for what each call promises."""

    capabilities = frozenset({Capability.PAUSE, Capability.DELETE, Capability.BINARY_GCODE})

    def __init__(
        self,
        address: Address,
        patience: Patience = PATIENT,
        trust: str = tls.SYSTEM,
        rhythm: Rhythm = GENTLE,
    ) -> None:
        """Raises Invalid when the address, the key, the user or the trust (see `tls.trusting`) is none."""
        self._patience = patience
        self._rhythm = rhythm
        self._session = Session(rhythm.stale_s, rhythm.over_s)
        self._storage = address.endpoints.get("storage", "").strip("/")
        self._one_at_a_time = trio.Lock()
        self._sending = 0
        self._may_begin_until = float("-inf")  # a print that was started, and has not shown
        self._news = trio.Event()  # set when the next look is worth more than usual
        key = {"X-Api-Key": address.api_key} if address.api_key else {}
        digest = Digest(address.username, address.password, protocol.PEER) if address.username else None
        elsewhere = {protocol.API: address.endpoints.get("api", protocol.API)}

        def http(patience: Patience, keep_idle_s: float) -> Http:
            return Http(address.url, protocol.PEER, key, patience, trust, keep_idle_s, elsewhere, digest)

        # Prusa's own printers keep few connections, so ours is let go between two looks.
        self._http = http(patience, keep_idle_s=1.0)
        # A connection of its own each time: nothing is before it, and none lies there half-dead.
        self._urgent = http(replace(patience, connect_s=min(patience.connect_s, URGENT_S - 1)), keep_idle_s=0)

    async def identify(self) -> Identity:
        version = protocol.version_in(await self._ask(protocol.version()))
        return protocol.identity(version, await self._ask(protocol.info()))

    async def check(self) -> None:
        await self.identify()

    async def status(self) -> Reading:
        return await self._look(self._ask)

    async def watch(self, tell: Callable[[Reading], None]) -> NoReturn:
        protocol.version_in(await self._ask(protocol.version()))  # whoever else may look alike
        missed = 0
        while True:
            self._news = trio.Event()
            try:
                tell(await self._look(self._ask_briefly))
                missed = 0
            except PrinterUnreachable:
                missed += 1
                if missed == MISSED_LOOKS:
                    raise
            with trio.move_on_after(self._rhythm.sending_s if self._sending else self._rhythm.every_s):
                await self._news.wait()

    async def upload(self, source: Path, remote_name: str, size: int) -> RemoteFile:
        storage = await self._storage_name()
        # It would write over a file that is printing. Asked just before, it takes our password for the file.
        printing = (await self.status()).file
        if printing is not None and printing.remote_name == remote_name:
            raise Refused(f"PrusaLink did not take {remote_name}: a file of that name is printing.")
        self._sending += 1
        try:
            answer, _ = await self._http.send_file(
                files.upload(storage, remote_name), source, size, Envelope(files.CONTENT_TYPE)
            )
        finally:
            self._sending -= 1
        files.uploaded(answer, remote_name)
        found = await self._shown_as(storage, remote_name, size)
        if found is None:
            raise ProtocolError(f"PrusaLink took {remote_name}, but does not show it.")
        return files.stored(found, remote_name, size)

    async def copy(self, source: str, remote_name: str, size: int, checksum: str) -> RemoteFile:
        raise _never("copies no files")

    async def start(self, remote_name: str) -> None:
        request = files.start(await self._storage_name(), remote_name)
        try:
            await self._command(self._ask_to_begin, request)
        except NotFound:
            self._may_begin_until = float("-inf")
            raise files.no_such_file(remote_name) from None
        except Refused as problem:
            self._may_begin_until = float("-inf")
            raise Refused(f"PrusaLink does not start {remote_name}. {problem}") from None

    async def pause(self) -> None:
        await self._control(self._ask_urgently, protocol.pause, Operation.PAUSING, Operation.PAUSED)

    async def resume(self) -> None:
        await self._control(self._ask_patiently, protocol.resume, Operation.RESUMING, Operation.PRINTING)

    async def cancel(self) -> None:
        await self._control(self._ask_urgently, protocol.cancel, Operation.CANCELLING, None)

    async def emergency_stop(self) -> None:
        """All that it can be told is to end its print; what its heaters do then is its own affair."""
        try:
            with trio.fail_after(URGENT_S):
                await self._end_the_print()
        except trio.TooSlowError:
            words = "PrusaLink was not seen to end a print in time: switch the printer off at the plug."
            raise PrinterUnreachable(words) from None

    async def _end_the_print(self) -> None:
        """Cancel the print that is on, or is to begin: what was accepted shows only seconds later."""
        while True:
            try:
                await self.cancel()
            except _NothingPrints:
                if trio.current_time() > self._may_begin_until:
                    return
            except _NoNumberYet:
                pass
            else:
                return
            await trio.sleep(URGENT_AGAIN_S)

    async def send_gcode(self, lines: Sequence[str]) -> None:
        raise _never("takes no G-code")

    async def set_temperature(self, heater: str, target_degc: float) -> None:
        raise _never("sets no temperatures")

    async def home(self, axes: Sequence[str]) -> None:
        raise _never("moves nothing")

    async def jog(self, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> None:
        raise _never("moves nothing")

    async def connect_machine(self) -> None:
        raise Refused("PrusaLink takes up its printer by itself.")

    async def disconnect_machine(self) -> None:
        raise _never("does not let go of its printer")

    async def delete(self, remote_name: str) -> None:
        storage = await self._storage_name()
        files.deleted(await self._ask(files.delete(storage, remote_name)), remote_name)
        # What its list still shows it would begin to print, and then hang.
        if await self._shown_as(storage, remote_name, None) is not None:
            raise AnswerLost(f"PrusaLink still shows {remote_name}, which was to be deleted.")

    async def outcome(self, remote_name: str, mark: str = "") -> Outcome:
        await self.status()
        job = protocol.job_file(await self._ask(protocol.job()))
        return self._session.outcome(remote_name, job[1] if job is not None else None)

    async def aclose(self) -> None:
        await self._http.aclose()
        await self._urgent.aclose()

    # -- one question at a time ----------------------------------------------------------------------

    async def _ask(self, request: Request) -> Answer:
        async with self._one_at_a_time:
            return await self._http.send(request)

    async def _ask_briefly(self, request: Request) -> Answer:
        async with self._one_at_a_time:
            return await self._http.send(request, self._rhythm.answer_s)

    async def _ask_patiently(self, request: Request) -> Answer:
        async with self._one_at_a_time:
            return await self._http.send(request, self._patience.command_s)

    async def _ask_to_begin(self, request: Request) -> Answer:
        async with self._one_at_a_time:
            self._may_begin_until = trio.current_time() + BEGINS_WITHIN_S
            return await self._http.send(request, self._patience.command_s)

    async def _ask_urgently(self, request: Request) -> Answer:
        return await self._urgent.send(request, URGENT_S)

    async def _look(self, ask: _Ask) -> Reading:
        status = protocol.status_in(await ask(protocol.status()))
        if status.operation in BUSY:
            self._may_begin_until = float("-inf")
        if self._session.take(status, trio.current_time()):
            with suppress(ProtocolError):  # it stumbles over a job whose file it does not list
                job = protocol.job_file(await ask(protocol.job()))
                if job is not None:
                    self._session.named(*job)
        return self._session.reading()

    async def _command(self, ask: _Ask, request: Request) -> None:
        try:
            answer = await ask(request)
        except ProtocolError as error:  # an answer, but none that says whether it was carried out
            raise AnswerLost(f"{error} Whether the command was carried out is unknown.") from error
        protocol.accepted(answer)
        self._news.set()

    async def _control(
        self, ask: _Ask, request: Callable[[int], Request], meanwhile: Operation, done: Operation | None
    ) -> None:
        """Command the print that is on. meanwhile, done: what it does then, until it does what was asked."""
        try:
            status = protocol.status_in(await ask(protocol.status()))
        except (AnswerLost, ProtocolError) as error:
            raise PrinterUnreachable(f"{error} Nothing was sent.") from error
        if status.job is None or status.operation not in BUSY:
            raise _NothingPrints("PrusaLink is printing nothing.")
        if status.operation is done:
            return
        if status.job.id is None:
            raise _NoNumberYet("PrusaLink has not read the number of its print yet: try again in a moment.")
        try:
            await self._command(ask, request(status.job.id))
        except NotFound:
            raise _NothingPrints("PrusaLink has just ended that print.") from None
        self._session.asked(status.job.id, meanwhile, trio.current_time())

    # -- files ---------------------------------------------------------------------------------------

    async def _storage_name(self) -> str:
        """Where files lie: as the shop says, or else PrusaLink.

        Raises PrinterUnreachable while there is none: that is no fault of a file, and nothing was sent.
        """
        if not self._storage:
            try:
                self._storage = files.storage_in(await self._ask(files.storages()))
            except (AnswerLost, ProtocolError, Refused) as error:
                raise PrinterUnreachable(str(error)) from error
        return self._storage

    async def _shown_as(self, storage: str, remote_name: str, size: int | None) -> int | None:
        """The size a file is shown with, None for none: once that is `size`, or in the end."""
        deadline = trio.current_time() + SHOWN_WITHIN_S
        while True:
            found = files.size_in(await self._ask(files.file(storage, remote_name)))
            if found == size or trio.current_time() > deadline:
                return found
            await trio.sleep(self._rhythm.again_s)


def _never(what: str) -> Refused:
    return Refused(f"PrusaLink {what}.")
