"""A stand-in for Klipper's host on its unix socket, which really executes the files it is given.

    python -m tests.peers.klippy SOCKET GCODES [--speed 20]

Moonraker talks to it as to Klipper: JSON objects, each ended by byte 3. It keeps Klipper's manners as they
were recorded: one queue for all G-code, so that a pause or a cancel waits for a heat-up; "ok" for a pause,
cancel or resume that changes nothing; only changed fields every quarter of a second; error texts of several
lines; a shutdown that only FIRMWARE_RESTART ends, which closes the socket for a while.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import trio

from tests.peers.klippy_machine import GcodeError, Machine

END = b"\x03"
REFRESH_S = 0.25
STARTUP_S = 0.3
AWAY_S = 1.2  # between the end of one life and the next
NOTICE_S = 0.05  # between two looks whether the queue is free, as the file's reader does
ADVICE = (
    'Once the underlying issue is corrected, use the\n"FIRMWARE_RESTART" command to reset the firmware, '
    "reload the\nconfig, and restart the host software.\nPrinter is shutdown\n"
)
Status = dict[str, dict[str, Any]]


class Print:
    """What is printed from the virtual card, and its statistics."""

    def __init__(self) -> None:
        self.state = "standby"
        self.filename = self.message = ""
        self.file: BinaryIO | None = None
        self.size = self.position = 0
        self.must_pause = False
        self.working = False
        self._began: float | None = None
        self._ended: float | None = None
        self._extruding_since: float | None = None
        self._extruded_s = 0.0

    def load(self, path: Path, filename: str) -> None:
        """Raises GcodeError."""
        self.__init__()  # type: ignore[misc] # everything anew
        try:
            self.file = path.open("rb")
        except OSError:
            raise GcodeError("Unable to open file") from None
        self.filename, self.size = filename, path.stat().st_size

    def begin(self) -> None:
        self.state, self.working, self.must_pause = "printing", True, False
        self._began = self._began or trio.current_time()

    def extrudes(self) -> None:
        self._extruding_since = self._extruding_since or trio.current_time()

    def stop(self, state: str, message: str = "") -> None:
        self.state, self.working, self.message = state, False, message
        self._extruded_s, self._extruding_since = self.extruded_s, None
        if state != "paused":
            self._ended = trio.current_time()
            if self.file is not None:
                self.file.close()
                self.file = None

    @property
    def extruded_s(self) -> float:
        since = self._extruding_since
        return self._extruded_s + (0.0 if since is None else trio.current_time() - since)

    @property
    def total_s(self) -> float:
        if self._began is None:
            return 0.0
        return (self._ended or trio.current_time()) - self._began


class Life:
    """Klipper's host from one start to the next."""

    def __init__(self, gcodes: Path, speed: float) -> None:
        self.gcodes = gcodes
        self.state, self.why = (
            "startup",
            "Printer is not ready\nThe klippy host software is attempting to connect.",
        )
        self.machine = Machine(speed, self.say)
        self.print = Print()
        self.queue = trio.Lock()
        self.over = trio.Event()
        self.is_paused = False
        self.clients: list[Client] = []
        self._in_hand = trio.CancelScope()

    async def run(self, listener: trio.SocketListener) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.serve_listeners, self._talk, [listener])
            nursery.start_soon(self._wake_up)
            nursery.start_soon(self._read_files)
            await self.over.wait()
            nursery.cancel_scope.cancel()

    def say(self, text: str) -> None:
        for client in self.clients:
            client.say(text)

    async def _wake_up(self) -> None:
        await trio.sleep(STARTUP_S)
        self.state, self.why = "ready", "Printer is ready"

    async def _talk(self, stream: trio.SocketStream) -> None:
        await Client(self, stream).run()

    # -- G-code ----------------------------------------------------------------------------------

    async def run_script(self, script: str) -> None:
        """Waits for its turn, then for its end. Raises GcodeError with Klipper's words."""
        if script.strip().upper() in ("RESTART", "FIRMWARE_RESTART"):  # these take no turn
            self.over.set()
            await trio.sleep_forever()
        async with self.queue:
            for line in script.splitlines():
                await self._carry_out(line)
            await self.machine.settle()

    async def _carry_out(self, line: str) -> None:
        self.require_ready()
        name, _, words = line.strip().partition(" ")
        match name.upper():
            case "M112":
                self.shut_down("Shutdown due to M112 command")
            case "PAUSE":
                await self._pause()
            case "RESUME":
                self._resume()
            case "CANCEL_PRINT":
                await self._cancel()
            case "SDCARD_PRINT_FILE":
                self._start(words.partition("=")[2].strip('"'))
            case _:
                with trio.CancelScope() as self._in_hand:
                    await self.machine.run(line)
        self.require_ready()

    def require_ready(self) -> None:
        if self.state != "ready":
            raise GcodeError(self.why)

    def shut_down(self, why: str) -> None:
        self.state, self.why = "shutdown", f"{why}\n{ADVICE}"
        self.machine.cool_down()
        self._in_hand.cancel()
        self.say(f"!! {self.why}")

    def _start(self, filename: str) -> None:
        if self.print.working:
            raise GcodeError("SD busy")
        self.machine.filament_mm, self.machine.told_progress = 0.0, None
        self.is_paused = False
        self.print.load(self.gcodes / filename, filename)
        self.say(f"File opened:{filename} Size:{self.print.size}")
        self.print.begin()

    async def _pause(self) -> None:
        if self.is_paused:
            self.say("// Print already paused")
            return
        await self._stop_reading()
        self.is_paused = True

    async def _stop_reading(self) -> None:
        self.print.must_pause = True
        while self.print.working:  # noqa: ASYNC110 # as Klipper itself does
            await trio.sleep(NOTICE_S)

    def _resume(self) -> None:
        if not self.is_paused:
            self.say("// Print is not paused, resume aborted")
            return
        self.is_paused = False
        if self.print.state == "paused":
            self.print.begin()

    async def _cancel(self) -> None:
        if self.print.file is not None:
            await self._stop_reading()
            self.print.stop("cancelled")
        self.is_paused = False
        self.machine.cool_down()  # as the usual macros have it

    # -- the virtual card --------------------------------------------------------------------------

    async def _read_files(self) -> None:
        while True:
            if self.print.working:
                await self._read_on()
            else:
                await trio.sleep(NOTICE_S)

    async def _read_on(self) -> None:
        """One line of the file, as soon as nobody else has the queue."""
        reading = self.print
        if reading.must_pause or self.state != "ready":
            reading.stop(
                "paused" if self.state == "ready" else "error", "" if self.state == "ready" else self.why
            )
            return
        try:
            self.queue.acquire_nowait()
        except trio.WouldBlock:
            await trio.sleep(NOTICE_S)
            return
        try:
            await self._read_line(reading)
        except GcodeError as error:
            reading.stop("error", str(error))
            self.say(f"!! {error}")
        finally:
            self.queue.release()

    async def _read_line(self, reading: Print) -> None:
        assert reading.file is not None
        line = reading.file.readline()
        if not line:
            await self.machine.settle()
            reading.stop("complete")
            self.say("Done printing file")
            return
        before = self.machine.filament_mm
        await self._carry_out(line.decode("utf-8", "replace"))
        reading.position += len(line)
        if self.machine.filament_mm > before:
            reading.extrudes()
        await trio.lowlevel.checkpoint()

    # -- looking -----------------------------------------------------------------------------------

    def status(self) -> Status:
        machine, printed = self.machine, self.print
        progress = printed.position / printed.size if printed.size else 0.0
        told = machine.told_progress if printed.state == "printing" else None
        return {
            "webhooks": {"state": self.state, "state_message": self.why},
            "gcode_move": {
                "gcode_position": [round(value, 6) for value in machine.position],
                "speed": machine.feed_mm_s,
            },
            "toolhead": {
                "position": [round(value, 6) for value in machine.position],
                "homed_axes": machine.homed,
            },
            "virtual_sdcard": {
                "file_path": str(self.gcodes / printed.filename) if printed.file else None,
                "progress": progress,
                "is_active": printed.working,
                "file_position": printed.position,
                "file_size": printed.size,
            },
            "print_stats": {
                "state": printed.state,
                "filename": printed.filename,
                "message": printed.message,
                "total_duration": printed.total_s,
                "print_duration": printed.extruded_s,
                "filament_used": machine.filament_mm,
                "info": {"total_layer": None, "current_layer": None},
            },
            "pause_resume": {"is_paused": self.is_paused},
            "idle_timeout": {"state": "Printing" if self.queue.locked() else "Ready"},
            "display_status": {"progress": progress if told is None else told, "message": machine.message},
            "heaters": {
                "available_heaters": list(machine.heaters),
                "available_sensors": [*machine.heaters, "temperature_sensor board"],
            },
            "configfile": {"config": {"virtual_sdcard": {"path": str(self.gcodes)}}},
            **machine.readings(),
        }


class Client:
    """One connection: Moonraker."""

    def __init__(self, life: Life, stream: trio.SocketStream) -> None:
        self._life = life
        self._stream = stream
        self._sending = trio.Lock()
        self._wanted: dict[str, list[str] | None] = {}
        self._template: dict[str, Any] = {}
        self._console: dict[str, Any] | None = None
        self._shown: Status = {}
        self._outbox, self._inbox = trio.open_memory_channel[dict[str, Any]](10_000)

    async def run(self) -> None:
        self._life.clients.append(self)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._push)
                nursery.start_soon(self._write)
                await self._read(nursery)
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._life.clients.remove(self)

    def say(self, text: str) -> None:
        if self._console is not None:
            self._send({**self._console, "params": {"response": text}})

    def _send(self, message: dict[str, Any]) -> None:
        self._outbox.send_nowait(message)

    async def _write(self) -> None:
        async for message in self._inbox:
            await self._stream.send_all(json.dumps(message).encode() + END)

    async def _read(self, nursery: trio.Nursery) -> None:
        kept = b""
        async for data in self._stream:
            *requests, kept = (kept + data).split(END)
            for request in requests:
                nursery.start_soon(self._answer, json.loads(request))

    async def _answer(self, request: dict[str, Any]) -> None:
        try:
            endpoint = _ENDPOINTS[request["method"]]
            result = await endpoint(self, request.get("params", {}))
        except KeyError:
            error = {
                "error": "WebRequestError",
                "message": f"webhooks: No registered callback for path '{request['method']}'",
            }
            self._send({"id": request["id"], "error": error})
        except GcodeError as problem:
            self._send({"id": request["id"], "error": {"error": "WebRequestError", "message": str(problem)}})
        else:
            self._send({"id": request["id"], "result": result})

    async def _push(self) -> None:
        while True:
            await trio.sleep(REFRESH_S)
            status = self._look(self._wanted)
            changed = {
                name: news
                for name, fields in status.items()
                if (
                    news := {
                        key: value
                        for key, value in fields.items()
                        if self._shown.get(name, {}).get(key) != value
                    }
                )
            }
            self._shown = status
            if changed:
                self._send(
                    {**self._template, "params": {"eventtime": trio.current_time(), "status": changed}}
                )

    def _look(self, wanted: Mapping[str, list[str] | None]) -> Status:
        everything = self._life.status()
        return {
            name: {
                key: value
                for key, value in everything.get(name, {}).items()
                if fields is None or key in fields
            }
            for name, fields in wanted.items()
        }

    # -- endpoints ---------------------------------------------------------------------------------

    async def info(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        return {
            "state": self._life.state,
            "state_message": self._life.why,
            "hostname": "bench",
            "klipper_path": "/home/pi/klipper",
            "python_path": "/home/pi/klippy-env/bin/python",
            "process_id": os.getpid(),
            "log_file": "/home/pi/printer_data/logs/klippy.log",
            "config_file": "/home/pi/printer.cfg",
            "software_version": "v0.13.0-stand-in",
            "cpu_info": "bench",
        }

    async def endpoints(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        return {"endpoints": list(_ENDPOINTS)}

    async def objects(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        return {"objects": list(self._life.status())}

    async def query(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.sleep(REFRESH_S / 5)
        return {"eventtime": trio.current_time(), "status": self._look(params["objects"])}

    async def subscribe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        self._wanted, self._template = params["objects"], params.get("response_template", {})
        self._shown = self._look(self._wanted)
        return {"eventtime": trio.current_time(), "status": self._shown}

    async def console(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        self._console = params["response_template"]
        return {}

    async def script(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await self._life.run_script(params["script"])
        return {}

    async def stop(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        self._life.shut_down("Shutdown due to webhooks request")
        return {}

    async def nothing(self, params: Mapping[str, Any]) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        return {}


def _running(script: str) -> Callable[[Client, Mapping[str, Any]], Awaitable[dict[str, Any]]]:
    return lambda client, params: client.script({"script": script})


_ENDPOINTS: dict[str, Callable[[Client, Mapping[str, Any]], Awaitable[dict[str, Any]]]] = {
    "info": Client.info,
    "list_endpoints": Client.endpoints,
    "objects/list": Client.objects,
    "objects/query": Client.query,
    "objects/subscribe": Client.subscribe,
    "gcode/subscribe_output": Client.console,
    "gcode/script": Client.script,
    "gcode/help": Client.nothing,
    "gcode/restart": _running("RESTART"),
    "gcode/firmware_restart": _running("FIRMWARE_RESTART"),
    "pause_resume/pause": _running("PAUSE"),
    "pause_resume/resume": _running("RESUME"),
    "pause_resume/cancel": _running("CANCEL_PRINT"),
    "emergency_stop": Client.stop,
    "register_remote_method": Client.nothing,
}


async def live(path: Path, gcodes: Path, speed: float) -> None:
    """One life after the other, until the process is ended."""
    while True:
        path.unlink(missing_ok=True)
        with trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
            await bound.bind(str(path))
            bound.listen(8)
            await Life(gcodes, speed).run(trio.SocketListener(bound))
        path.unlink(missing_ok=True)
        await trio.sleep(AWAY_S)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("socket", type=Path)
    parser.add_argument("gcodes", type=Path)
    parser.add_argument("--speed", type=float, default=1.0, help="times real time")
    chosen = parser.parse_args()
    trio.run(live, chosen.socket, chosen.gcodes, chosen.speed)


if __name__ == "__main__":
    main()
