"""One scripted talk with an OctoPrint: the same words go to the real one and to the simulated one.

Everything is asked through OctoPrint's own API, faults too, so that neither side knows which it is.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket_url

from tests.simulator.fleet import NO_TLS

CHIP = Path(__file__).parents[1] / "data" / "gcode" / "chip6_fast.gcode"
PATIENCE_S = 30.0
# Left alone by the real one's virtual printer, which moves ten times as fast as it is told.
LONG = "G90\nG1 X0 F6000\nM104 S50\n" + "".join(f"G1 X{10 * step} F240\n" for step in range(1, 241))
HEATING = "M109 S250\nG28\n" + LONG
SHORT = "G28\nG1 X1 F3000\n"
HOME = {"command": "home", "axes": ["x"]}
CHOOSE = {"command": "select", "print": True}
QUIET = {"subscribe": {"state": {"logs": False, "messages": False}, "events": True, "plugins": False}}

Json = Any
Act: TypeAlias = Callable[["Conversation"], Awaitable[None]]


@dataclass
class Told:
    """What was said, in order: answers by situation, and what the push socket brought meanwhile."""

    answers: dict[str, Json] = field(default_factory=dict)
    pushed: dict[str, list[Json]] = field(default_factory=dict)
    figures: dict[str, float] = field(default_factory=dict)


class Conversation:
    """A client with a key, the notes it takes, and a push socket that listens all the while."""

    def __init__(self, url: str, api_key: str) -> None:
        self.told = Told()
        self._url = url
        self._key = api_key
        self._http = httpx.AsyncClient(base_url=url, timeout=PATIENCE_S, trust_env=False, verify=NO_TLS)
        self._headers = {"X-Api-Key": api_key}
        self._situation = "before"
        self._state = ""
        self._news = trio.Event()

    # -- asking --------------------------------------------------------------------------------------

    async def ask(self, situation: str, method: str, path: str, body: object = None, **more: Any) -> Json:
        more.setdefault("headers", self._headers)
        answer = await self._http.request(method, path, json=body, **more)
        self._keep(situation, method, path, answer)
        return self.told.answers[situation]["body"]

    async def upload(self, situation: str, name: str, content: str, **fields: str) -> Json:
        files = {"file": (name, content.encode())}
        answer = await self._http.post("/api/files/local", files=files, data=fields, headers=self._headers)
        self._keep(situation, "POST", "/api/files/local", answer)
        return self.told.answers[situation]["body"]

    async def job(self, situation: str, command: str, **more: str) -> None:
        await self.ask(situation, "POST", "/api/job", {"command": command, **more})

    async def printer_and_job(self, situation: str) -> None:
        await self.ask(f"{situation}: printer", "GET", "/api/printer")
        await self.ask(f"{situation}: job", "GET", "/api/job")
        await self.ask(f"{situation}: connection", "GET", "/api/connection")

    def _keep(self, situation: str, method: str, path: str, answer: httpx.Response) -> None:
        assert situation not in self.told.answers, f"asked twice: {situation}"
        text = self._scrub(answer.text)
        self.told.answers[situation] = {
            "request": f"{method} {path}",
            "status": answer.status_code,
            "content_type": answer.headers.get("content-type", ""),
            "location": self._scrub(answer.headers.get("location", "")),
            "body": json.loads(text) if text.startswith(("{", "[")) else text,
        }

    def _scrub(self, text: str) -> str:
        return text.replace(self._url, "http://octoprint.test").replace(self._key, "KEY")

    # -- listening -----------------------------------------------------------------------------------

    def now(self, situation: str) -> None:
        """What is pushed from here on belongs to this situation."""
        self._situation = situation
        self.told.pushed.setdefault(situation, [])

    async def state(self, text: str, within_s: float = PATIENCE_S) -> None:
        """Waits until the push socket shows this state."""
        with trio.fail_after(within_s):
            while self._state != text:
                await self._news.wait()

    async def event(self, kind: str) -> None:
        """Waits until this event was pushed in the present situation."""
        heard = self.told.pushed[self._situation]
        with trio.fail_after(PATIENCE_S):
            while all(message.get("event", {}).get("type") != kind for message in heard):
                await self._news.wait()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[WebSocketConnection]:
        login = await self._http.post("/api/login", json={"passive": True}, headers=self._headers)
        token = f"{login.json()['name']}:{login.json()['session']}"
        async with self.socket() as socket, trio.open_nursery() as nursery:
            nursery.start_soon(self._listen, socket)
            await socket.send_message(json.dumps(QUIET))
            await socket.send_message(json.dumps({"auth": token}))
            yield socket
            nursery.cancel_scope.cancel()

    def socket(self) -> Any:
        return open_websocket_url(self._url.replace("http", "ws", 1) + "/sockjs/websocket")

    async def _listen(self, socket: WebSocketConnection) -> None:
        while True:
            message = json.loads(self._scrub(await socket.get_message()))
            self.told.pushed.setdefault(self._situation, []).append(message)
            part = message.get("current") or message.get("history")
            if part is not None:
                self._state = part["state"]["text"]
            self._news.set()
            self._news = trio.Event()

    async def heard(self, situation: str, socket: WebSocketConnection, for_s: float) -> list[float]:
        """Notes what a socket brings for a while; answers the seconds at which it came."""
        notes = self.told.pushed.setdefault(situation, [])
        began, times = trio.current_time(), []
        with trio.move_on_after(for_s):
            while True:
                try:
                    message = await socket.get_message()
                except ConnectionClosed as closed:
                    notes.append({"closed": closed.reason.code if closed.reason else None})
                    break
                notes.append(json.loads(self._scrub(message)))
                times.append(trio.current_time() - began)
        return times

    async def rhythm(self, situation: str, socket: WebSocketConnection, for_s: float) -> None:
        times = await self.heard(situation, socket, for_s)
        steps = sorted(later - earlier for earlier, later in pairwise(times[1:]))
        self.told.figures[situation] = steps[len(steps) // 2]

    async def pushes(self, situation: str) -> None:
        """Notes how many pictures are pushed in two seconds."""
        self.now(f"pushes {situation}")
        await trio.sleep(2.1)
        heard = self.told.pushed.pop(self._situation)
        self.told.figures[f"pushes {situation}"] = sum("current" in message for message in heard)

    async def aclose(self) -> None:
        await self._http.aclose()


async def converse(url: str, api_key: str, act: Act) -> Told:
    """One act of the talk. The printer is connected and idle, and has no files, before and after."""
    talk = Conversation(url, api_key)
    try:
        await act(talk)
    finally:
        await talk.aclose()
    return talk.told


async def introduction(talk: Conversation) -> None:
    """Whom it lets in, and what it shows a newcomer."""
    await _greet(talk)
    await _knock(talk)


async def uploads(talk: Conversation) -> None:
    """Files, and everything an idle printer refuses."""
    async with talk.listening():
        await trio.sleep(1.2)
        await _put_files(talk)
        await _refusals(talk)
        await _tidy(talk, "long", "chosen", "two%20words")


async def prints(talk: Conversation) -> None:
    """A print that is paused, resumed and cancelled, and what is refused meanwhile."""
    async with talk.listening():
        await trio.sleep(0.6)
        await talk.upload("upload of a long print", "long.gcode", LONG)
        await talk.upload("upload of another", "chosen.gcode", SHORT)
        await trio.sleep(0.6)
        await _print_pause_cancel(talk)
        await _tidy(talk, "long", "waits", "chosen")


async def copies(talk: Conversation) -> None:
    """Files put there once more, with what is remembered of them, while it is idle and while it prints."""
    async with talk.listening():
        await trio.sleep(0.6)
        await _copy_what_was_printed(talk)
        await _refused_copies(talk)
        await _copy_what_prints(talk)
        await _tidy(talk, "first", "second", "third", "long", "fourth")


async def endings(talk: Conversation) -> None:
    """A print that ends well, and one that is stopped while heating."""
    async with talk.listening():
        await trio.sleep(0.6)
        await _print_to_the_end(talk)
        await _cancel_while_heating(talk)
        await _tidy(talk, "chip", "heat")


async def commands(talk: Conversation) -> None:
    """Commands at an idle machine."""
    async with talk.listening():
        await trio.sleep(1.2)
        await talk.pushes("while idle")
        await _command(talk)


async def losses(talk: Conversation) -> None:
    """A line that somebody closes and opens again."""
    async with talk.listening():
        await trio.sleep(0.6)
        await _lose_and_find_the_printer(talk)
        await _tidy(talk, "tough", "waits")


async def breakdown(talk: Conversation, trouble: str, line: str) -> None:
    async with talk.listening():
        await trio.sleep(1.2)
        await talk.upload("upload before the trouble", "tough.gcode", LONG)
        await trio.sleep(0.6)
        await _break_down(talk, trouble, line)
        await _tidy(talk, "tough")


async def drop(talk: Conversation) -> None:
    """A print that ends with the line."""
    await breakdown(talk, "line dropped", "!!DEBUG:drop_connection")


async def runaway(talk: Conversation) -> None:
    """A print that ends with the firmware."""
    await breakdown(talk, "thermal runaway", "!!DEBUG:trigger_fatal_error_marlin")


async def emergency(talk: Conversation) -> None:
    """A print that ends by a hand at the emergency stop."""
    await breakdown(talk, "emergency stop", "M112")


async def silence(talk: Conversation) -> None:
    """A printer that answers nothing any more."""
    async with talk.listening():
        await trio.sleep(1.2)
        await talk.upload("upload before the silence", "tough.gcode", LONG)
        await trio.sleep(0.6)
        await _stop_answering(talk)
        await _tidy(talk, "tough")


async def _greet(talk: Conversation) -> None:
    await talk.ask("version", "GET", "/api/version")
    await talk.ask("server", "GET", "/api/server")
    await talk.ask("no key", "GET", "/api/version", headers={})
    await talk.ask("wrong key", "GET", "/api/version", headers={"X-Api-Key": "0" * 32})
    await talk.ask("wrong key, printer", "GET", "/api/printer", headers={"X-Api-Key": "0" * 32})
    await talk.ask("command with a wrong key", "POST", "/api/job", {}, headers={"X-Api-Key": "0" * 32})
    bearer = {"Authorization": f"Bearer {talk._key}"}
    await talk.ask("key as a bearer token", "GET", "/api/version", headers=bearer)
    await talk.ask("login without a key", "POST", "/api/login", {"passive": True}, headers={})
    await talk.ask("login", "POST", "/api/login", {"passive": True})
    await talk.ask("no such route", "GET", "/api/nothing")
    await talk.ask("wrong method", "DELETE", "/api/job")
    await talk.printer_and_job("idle")
    await talk.ask("idle: printer with history", "GET", "/api/printer?history=true&limit=2")
    await talk.ask("idle: printer without card", "GET", "/api/printer?exclude=sd,temperature")
    await talk.ask("chamber of a printer without one", "GET", "/api/printer/chamber")
    await talk.ask("tool", "GET", "/api/printer/tool")
    await talk.ask("bed", "GET", "/api/printer/bed")
    await talk.ask("files, none", "GET", "/api/files")


async def _knock(talk: Conversation) -> None:
    """The push socket as a client finds it that knows nothing of it."""
    async with talk.socket() as socket:
        await talk.heard("push: connected, silent without a login", socket, 1.0)
        await socket.send_message(json.dumps({"auth": "admin:stale"}))
        await talk.heard("push: stale login", socket, 0.8)
        login = await talk.ask("login for the push socket", "POST", "/api/login", {"passive": True})
        await socket.send_message("no JSON")
        await socket.send_message(json.dumps({"auth": f"{login['name']}:{login['session']}"}))
        await talk.rhythm("push: logged in", socket, 1.8)
        await socket.send_message(json.dumps({"throttle": 2}))
        await talk.rhythm("push: throttled", socket, 3.2)
        await socket.send_message(json.dumps(QUIET))
        await talk.heard("push: subscribed", socket, 0.8)


async def _put_files(talk: Conversation) -> None:
    talk.now("uploads")
    await talk.upload("upload", "long.gcode", LONG)
    await talk.upload("upload of an unknown kind", "part.exe", "x")
    await talk.upload("upload with a space", "two words.gcode", SHORT)
    await talk.ask("upload that is JSON", "POST", "/api/files/local", {"file": "x"})
    await talk.ask("file, never printed", "GET", "/api/files/local/long.gcode")
    await talk.ask("file with a space", "GET", "/api/files/local/two%20words.gcode")
    await talk.ask("file, missing", "GET", "/api/files/local/none.gcode")
    await trio.sleep(0.6)
    talk.now("upload to choose")
    await talk.upload("upload to choose", "chosen.gcode", SHORT, select="true")
    await talk.ask("file chosen: job", "GET", "/api/job")
    await talk.ask("files", "GET", "/api/files")
    await trio.sleep(0.8)


async def _copy(talk: Conversation, situation: str, source: str, **body: object) -> None:
    await talk.ask(situation, "POST", f"/api/files/local/{source}", {"command": "copy", **body})


async def _copy_what_was_printed(talk: Conversation) -> None:
    talk.now("before copies")
    await talk.upload("upload of the first", "first.gcode", SHORT)
    await talk.ask("start the first", "POST", "/api/files/local/first.gcode", CHOOSE)
    await talk.event("PrintDone")
    await talk.state("Operational")
    await trio.sleep(1.2)
    talk.now("copy")
    await _copy(talk, "copy", "first.gcode", destination="second.gcode")
    await talk.ask("file, copied", "GET", "/api/files/local/second.gcode")
    await _copy(talk, "copy of a copy", "second.gcode", destination="third.gcode")
    await trio.sleep(0.6)
    talk.now("print of a copy")
    await talk.ask("start the copy", "POST", "/api/files/local/second.gcode", CHOOSE)
    await talk.event("PrintDone")
    await talk.state("Operational")
    await trio.sleep(1.2)
    for name in ("first", "second", "third"):
        await talk.ask(f"file, {name} of three", "GET", f"/api/files/local/{name}.gcode")


async def _refused_copies(talk: Conversation) -> None:
    talk.now("refused copies")
    await _copy(talk, "copy onto another file", "first.gcode", destination="second.gcode")
    await _copy(talk, "copy onto itself", "first.gcode", destination="first.gcode")
    await _copy(talk, "copy of a missing file", "none.gcode", destination="fifth.gcode")
    await _copy(talk, "copy to nowhere", "first.gcode")
    await _copy(talk, "copy to no name", "first.gcode", destination="")
    await _copy(talk, "copy to an odd name", "first.gcode", destination=5)
    await _copy(talk, "copy to an unknown kind", "first.gcode", destination="part.exe")
    await _copy(talk, "copy to a missing folder", "first.gcode", destination="folder/fifth.gcode")
    await _copy(talk, "copy out of the folder", "first.gcode", destination="../fifth.gcode")


async def _copy_what_prints(talk: Conversation) -> None:
    talk.now("start of a long print")
    await talk.upload("upload of a long one", "long.gcode", LONG)
    await talk.ask("start the long one", "POST", "/api/files/local/long.gcode", CHOOSE)
    await talk.state("Printing")
    await trio.sleep(0.6)
    talk.now("copies beside a print")
    await _copy(talk, "copy of the printing file", "long.gcode", destination="fourth.gcode")
    await _copy(talk, "copy onto the printing file", "first.gcode", destination="long.gcode")
    await talk.ask("delete, something else prints", "DELETE", "/api/files/local/third.gcode")
    await trio.sleep(0.6)
    talk.now("end of the long print")
    await talk.job("cancel the long print", "cancel")
    await talk.state("Operational")
    await trio.sleep(0.8)
    await talk.ask("file, copied before its end", "GET", "/api/files/local/fourth.gcode")


async def _refusals(talk: Conversation) -> None:
    talk.now("refusals")
    job, plain = "/api/job", {**talk._headers, "Content-Type": "text/plain"}
    await talk.ask("start, file missing", "POST", "/api/files/local/none.gcode", CHOOSE)
    await talk.job("pause, nothing prints", "pause", action="pause")
    await talk.job("cancel, nothing prints", "cancel")
    await talk.job("restart, nothing prints", "restart")
    await talk.job("unknown command", "dance")
    await talk.ask("no command", "POST", job, {})
    await talk.ask("no JSON", "POST", job, content=b"{}", headers=plain)
    wrong = {**talk._headers, "Content-Type": "application/json"}
    await talk.ask("broken JSON", "POST", job, content=b"{", headers=wrong)
    await talk.ask("JSON, no object", "POST", job, content=b"[]", headers=wrong)
    await talk.ask("unknown file command", "POST", "/api/files/local/long.gcode", {"command": "dance"})


async def _print_pause_cancel(talk: Conversation) -> None:
    talk.now("start")
    await talk.ask("start", "POST", "/api/files/local/long.gcode", CHOOSE)
    await talk.ask("just started: job", "GET", "/api/job")
    await talk.state("Printing")
    await trio.sleep(2.2)
    await talk.printer_and_job("printing")
    talk.now("refused while it prints")
    await talk.job("pause with a wrong action", "pause", action="dance")
    await talk.ask("start, already printing", "POST", "/api/files/local/chosen.gcode", CHOOSE)
    await talk.job("start of the job, already printing", "start")
    await talk.job("restart while it prints", "restart")
    await talk.ask(
        "home while it prints", "POST", "/api/printer/printhead", {"command": "home", "axes": ["x"]}
    )
    await talk.ask("delete, printing", "DELETE", "/api/files/local/long.gcode")
    await talk.upload("upload over the printing file", "long.gcode", SHORT)
    await talk.upload("upload to print beside a print", "waits.gcode", SHORT, print="true")
    await trio.sleep(0.6)
    talk.now("pause")
    await talk.job("pause", "pause", action="pause")
    await talk.ask("pausing: printer", "GET", "/api/printer")
    await talk.state("Paused")
    await trio.sleep(0.3)
    await talk.printer_and_job("paused")
    await talk.job("pause again", "pause", action="pause")
    talk.now("resume")
    await talk.job("resume", "pause", action="resume")
    await talk.state("Printing")
    await trio.sleep(0.8)
    await talk.job("resume again", "pause", action="resume")
    talk.now("pause by toggle")
    await talk.job("toggle", "pause")
    await talk.state("Paused")
    await trio.sleep(0.3)
    talk.now("cancel")
    await talk.job("cancel", "cancel")
    await talk.state("Operational")
    await trio.sleep(1)
    await talk.printer_and_job("cancelled")
    await talk.ask("file, cancelled", "GET", "/api/files/local/long.gcode")


async def _print_to_the_end(talk: Conversation) -> None:
    talk.now("upload to print")
    await talk.upload("upload to print", "chip.gcode", CHIP.read_text())
    await trio.sleep(0.6)
    began = trio.current_time()
    talk.now("print to the end")
    await talk.ask("start the chip", "POST", "/api/files/local/chip.gcode", CHOOSE)
    await talk.event("PrintDone")
    await talk.state("Operational")
    talk.told.figures["print to the end"] = trio.current_time() - began
    await trio.sleep(1.2)
    await talk.printer_and_job("finished")
    await talk.ask("file, finished", "GET", "/api/files/local/chip.gcode")


async def _cancel_while_heating(talk: Conversation) -> None:
    talk.now("upload that prints")
    await talk.upload("upload that prints", "heat.gcode", HEATING, print="true")
    await talk.state("Printing")
    await trio.sleep(1.2)
    talk.now("pause while heating")
    await talk.job("pause while heating", "pause", action="pause")
    await trio.sleep(1.2)
    await talk.printer_and_job("pausing while heating")
    talk.now("cancel while heating")
    began = trio.current_time()
    await talk.job("cancel while heating", "cancel")
    await talk.state("Operational")
    talk.told.figures["cancel while heating"] = trio.current_time() - began
    await trio.sleep(0.8)
    await talk.printer_and_job("cancelled while heating")


async def _command(talk: Conversation) -> None:
    talk.now("commands")
    printer = "/api/printer"
    await talk.ask(
        "nozzle target", "POST", f"{printer}/tool", {"command": "target", "targets": {"tool0": 60}}
    )
    await talk.ask(
        "no such nozzle", "POST", f"{printer}/tool", {"command": "target", "targets": {"tool7": 60}}
    )
    await talk.ask(
        "odd target", "POST", f"{printer}/tool", {"command": "target", "targets": {"tool0": "hot"}}
    )
    await talk.ask("bed target", "POST", f"{printer}/bed", {"command": "target", "target": 40})
    await talk.ask("odd bed target", "POST", f"{printer}/bed", {"command": "target", "target": "hot"})
    await talk.ask("home", "POST", f"{printer}/printhead", {"command": "home", "axes": ["x", "y"]})
    await talk.ask("jog", "POST", f"{printer}/printhead", {"command": "jog", "x": 1})
    await talk.ask("odd axes", "POST", f"{printer}/printhead", {"command": "home", "axes": ["q"]})
    await talk.ask("one line of G-code", "POST", f"{printer}/command", {"command": "M117 hello"})
    await talk.ask("lines of G-code", "POST", f"{printer}/command", {"commands": ["M105", "G4 P1"]})
    await talk.ask("no line of G-code", "POST", f"{printer}/command", {})
    await trio.sleep(2.5)  # the next look at the temperatures
    await talk.ask("warm: printer", "GET", "/api/printer")
    await talk.ask("cold nozzle", "POST", f"{printer}/tool", {"command": "target", "targets": {"tool0": 0}})
    await talk.ask("cold bed", "POST", f"{printer}/bed", {"command": "target", "target": 0})


async def _lose_and_find_the_printer(talk: Conversation) -> None:
    await talk.upload("upload before the trouble", "tough.gcode", LONG, select="true")
    await trio.sleep(0.6)
    talk.now("disconnect")
    await talk.ask("disconnect", "POST", "/api/connection", {"command": "disconnect"})
    await talk.state("Offline")
    await trio.sleep(0.6)
    await talk.printer_and_job("disconnected")
    await talk.pushes("while disconnected")
    talk.now("refused without a printer")
    await talk.ask("start, printer disconnected", "POST", "/api/files/local/tough.gcode", CHOOSE)
    await talk.job("pause, printer disconnected", "pause", action="pause")
    await talk.upload("upload to print without a printer", "waits.gcode", SHORT, print="true")
    command = {"command": "M105"}
    await talk.ask("G-code without a printer", "POST", "/api/printer/command", command)
    await talk.ask("bed without a printer", "GET", "/api/printer/bed")
    odd = {"command": "connect", "port": "/dev/none"}
    await talk.ask("connect to an unknown port", "POST", "/api/connection", odd)
    await trio.sleep(0.6)
    await _connect(talk, "connect")


async def _connect(talk: Conversation, situation: str) -> None:
    talk.now(situation)
    began = trio.current_time()
    await talk.ask(situation, "POST", "/api/connection", {"command": "connect"})
    await talk.state("Operational")
    talk.told.figures[situation] = trio.current_time() - began
    await trio.sleep(0.6)


async def _break_down(talk: Conversation, trouble: str, line: str) -> None:
    talk.now("before")
    await talk.ask("start", "POST", "/api/files/local/tough.gcode", CHOOSE)
    await talk.state("Printing")
    await trio.sleep(1.2)
    talk.now(trouble)
    await talk.ask(trouble, "POST", "/api/printer/command", {"command": line})
    with trio.fail_after(PATIENCE_S):
        while talk._state == "Printing":
            await talk._news.wait()
    await trio.sleep(0.8)
    await talk.printer_and_job("broken down")
    await talk.ask("file, failed", "GET", "/api/files/local/tough.gcode")
    await _connect(talk, "connect")


async def _stop_answering(talk: Conversation) -> None:
    talk.now("before: silence")
    await talk.ask("start before: silence", "POST", "/api/files/local/tough.gcode", CHOOSE)
    await talk.state("Printing")
    await trio.sleep(2.5)
    talk.now("silence")
    await talk.ask("silence", "POST", "/api/printer/command", {"command": "!!DEBUG:go_awol"})
    await trio.sleep(1.5)
    await talk.printer_and_job("silent")
    await talk.pushes("while silent")
    talk.now("disconnect the silent")
    await talk.ask("disconnect the silent", "POST", "/api/connection", {"command": "disconnect"})
    with trio.fail_after(PATIENCE_S):
        while talk._state == "Printing":
            await talk._news.wait()
    await trio.sleep(0.6)
    await talk.ask("silent and disconnected: job", "GET", "/api/job")
    await talk.ask("file, cut off", "GET", "/api/files/local/tough.gcode")
    await _connect(talk, "connect the silent")


async def _tidy(talk: Conversation, *names: str) -> None:
    talk.now(f"tidy {names[0]}")
    for name in names:
        await talk.ask(f"delete {name}", "DELETE", f"/api/files/local/{name}.gcode")
    await talk.ask(f"delete {name}, gone", "DELETE", f"/api/files/local/{name}.gcode")
    await trio.sleep(0.6)


_ALL = (
    introduction,
    uploads,
    prints,
    copies,
    endings,
    commands,
    losses,
    drop,
    runaway,
    emergency,
    silence,
)
ACTS: dict[str, Act] = {act.__name__: act for act in _ALL}
"""Each is held with a fresh printer."""
