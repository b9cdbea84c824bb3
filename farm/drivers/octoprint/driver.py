"""OctoPrint over REST: asks, and hands the answers to the protocol."""

from __future__ import annotations

import secrets
from pathlib import Path

from farm.domain.printer import Address
from farm.drivers.base import AnswerLost, Capability, Identity, Outcome, Reading
from farm.drivers.exchange import Request, file_envelope
from farm.drivers.http import PATIENT, Http, Patience
from farm.drivers.octoprint import protocol
from farm.errors import ProtocolError


class OctoPrintDriver:
    """One printer behind an OctoPrint; see `base.Driver` for what each call promises."""

    capabilities = frozenset(Capability)

    def __init__(self, address: Address, patience: Patience = PATIENT) -> None:
        """Raises Invalid when the address or the key cannot be used at all."""
        self._patience = patience
        self._http = Http(address.url, protocol.PEER, {"X-Api-Key": address.api_key}, patience)

    async def connect(self) -> Identity:
        return protocol.identity(await self._http.send(protocol.version()))

    async def status(self) -> Reading:
        # In this order: an ending print then shows as still printing, never as lost half-way.
        machine = protocol.machine(await self._http.send(protocol.printer()))
        return protocol.reading(machine, protocol.current_job(await self._http.send(protocol.job())))

    async def upload(self, source: Path, remote_name: str, size: int) -> None:
        envelope = file_envelope(remote_name, secrets.token_hex(16))
        answer, sha1 = await self._http.send_file(protocol.upload(), source, size, envelope)
        protocol.uploaded(answer, remote_name)
        looked = await self._http.send(protocol.file(remote_name))
        protocol.verify(protocol.file_record(looked), remote_name, size, sha1)

    async def start(self, remote_name: str) -> None:
        await self._command(protocol.start(remote_name), remote_name)

    async def pause(self) -> None:
        await self._command(protocol.pause())

    async def resume(self) -> None:
        await self._command(protocol.resume())

    async def cancel(self) -> None:
        await self._command(protocol.cancel())

    async def delete(self, remote_name: str) -> None:
        protocol.deleted(await self._http.send(protocol.delete(remote_name)), remote_name)

    async def outcome(self, remote_name: str) -> Outcome:
        # First the printer, then the history: an end between the two is then in the history.
        reading = await self.status()
        record = protocol.file_record(await self._http.send(protocol.file(remote_name)))
        return protocol.outcome(reading, record, remote_name)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _command(self, request: Request, remote_name: str = "") -> None:
        try:
            answer = await self._http.send(request, self._patience.command_s)
        except ProtocolError as error:  # an answer, but none that says whether it was carried out
            raise AnswerLost(f"{error} Whether the command was carried out is unknown.") from error
        protocol.accepted(answer, remote_name)
