"""`farm watch`: what happens in the shop, as it happens."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from farm.commands import options, output, reach
from farm.errors import Refused

if TYPE_CHECKING:  # loaded where it is used: `farm --help` is there at once
    from trio_websocket import WebSocketConnection

    from farm.data_folder import DataFolder, LocalAccess

Event: TypeAlias = dict[str, Any]

ROOMS = ["queue", "printers", "files", "system"]
AGAIN_S = 1.0  # until the next try to reach a server that is gone
GIVE_UP_S = 60.0  # without one
CONNECT_WITHIN_S = 10.0
MAX_MESSAGE = 16 * 1024 * 1024  # bytes; the pictures of all rooms of the largest farm stay below
_NOT_TOLD = ("by", "printers")
"""Of a fact, what no person reads along."""


def add_to(commands: options.Commands) -> None:
    parser = options.command(
        commands,
        "watch",
        "show what happens in the shop, as it happens, until Ctrl-C",
        watch,
        examples="  farm watch\n  farm watch --room printer:mk4-01 --states\n  farm watch --json | jq .type",
    )
    parser.add_argument(
        "--room",
        action="append",
        metavar="ROOM",
        help=f"listen here, may be repeated: {', '.join(ROOMS)} (those, where none is named), "
        "schedule, alerts, or printer:ID",
    )
    parser.add_argument("--states", action="store_true", help="also how each printer stands, when it changes")
    options.add_data(parser)
    parser.add_argument("--json", action="store_true", help="print each event as one line of JSON")


def watch(chosen: argparse.Namespace) -> int:
    import trio

    folder = options.data_folder(chosen)
    with reach.server_in(folder):
        pass  # says what to do where there is no farm, or none that runs
    shown = _as_json if chosen.json else _Lines().show
    try:
        trio.run(_Watch(folder, chosen.room or ROOMS, chosen.states, shown).run)
    except* KeyboardInterrupt:
        pass
    return 0


class _Watch:
    """Shows every fact once, also across a restart of the server: what came meanwhile is sent later.

    states: whether they are shown, too.
    """

    def __init__(
        self, folder: DataFolder, rooms: list[str], states: bool, show: Callable[[Event], None]
    ) -> None:
        self._folder = folder
        self._rooms = rooms
        self._states = states
        self._show = show
        self._since: Event | None = None  # the last fact that was heard, and of which history
        self._was_answered = False  # on the newest connection

    async def run(self) -> NoReturn:
        """Until cancelled. Raises Refused when the farm has stopped for good, or takes us for nobody."""
        import trio
        from trio_websocket import ConnectionClosed, HandshakeError

        gone_at = trio.current_time()
        while trio.current_time() < gone_at + GIVE_UP_S:
            access = self._folder.local_access()  # which a server that was killed leaves behind
            self._was_answered = False
            if access is not None:
                try:
                    await self._listen(access)
                except* (ConnectionClosed, HandshakeError, OSError, trio.TooSlowError):
                    pass  # it is tried again
            if self._was_answered:  # it is stopping, or being started again
                gone_at = trio.current_time()
            await trio.sleep(AGAIN_S)
        raise Refused(f"The farm in {self._folder.path} has stopped.")

    async def _listen(self, access: LocalAccess) -> NoReturn:
        import trio
        from trio_websocket import open_websocket_url

        url = f"{access.url.replace('http', 'ws', 1)}/v1/live"
        with trio.fail_after(CONNECT_WITHIN_S) as opening:
            async with open_websocket_url(url, max_message_size=MAX_MESSAGE) as socket:
                await _say(socket, op="auth", token=access.token)
                since = {"since": self._since} if self._since else {}
                await _say(socket, op="subscribe", rooms=self._rooms, **since)
                opening.deadline = math.inf
                while True:
                    told = json.loads(await socket.get_message())
                    for event in told["events"] if told["type"] == "batch.update" else [told]:
                        self._hear(event)

    def _hear(self, event: Event) -> None:
        self._was_answered = True
        match event["type"]:
            case "error":
                raise Refused(event["detail"])
            case "welcome":
                pass  # it tells how far the history goes; we go on from where we were
            case "snapshot" | "replay":
                if self._since is None:
                    output.complain(
                        f"Listening to {', '.join(self._rooms)}. Times are in UTC. Ctrl-C ends it."
                    )
                self._since = {"epoch": event["epoch"], "seq": event["seq"]}
            case _ if "seq" in event and self._since is not None:
                self._since = {**self._since, "seq": event["seq"]}
                self._show(event)
            case _ if self._states:
                self._show(event)


async def _say(socket: WebSocketConnection, **words: Any) -> None:
    await socket.send_message(json.dumps(words))


def _as_json(event: Event) -> None:
    output.say(json.dumps(event, ensure_ascii=False))


class _Lines:
    """Events as lines for people. A state is one when it reads otherwise than before."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def show(self, event: Event) -> None:
        about = event["data"]
        match event["type"]:
            case "printer.statusUpdate":
                status = about["status"]
                words = f"{status['connection']}, {status['operation']}"
                words += f": {status['message']}" if status["message"] else ""
                self._show_state(event, about["id"], words)
            case "data.update":
                self._show_state(event, f"{about['printer']} measured", _understood(about["metrics"]))
            case type:
                told = [f"{key} {_plain(value)}" for key, value in about.items() if _is_readable(key, value)]
                output.say(f"{event['at'][11:19]}  {type:24}  {', '.join(told)}")

    def _show_state(self, event: Event, of: str, words: str) -> None:
        if self._states.get(of) != words:
            self._states[of] = words
            output.say(f"{event['at'][11:19]}  {of:24}  {words}")


def _understood(metrics: dict[str, Any]) -> str:
    """What is understood of a printer: where its temperatures go, and when its print will be done (UTC)."""
    told = [
        f"{heater} {statistics['trend']}"
        for heater, statistics in metrics["temperature"].items()
        if statistics["trend"] is not None
    ]
    progress = metrics["progress"] or {}
    if progress.get("estimated_completion") is not None:
        minutes = math.ceil(progress["confidence_s"] / 60)
        told.append(f"done {progress['estimated_completion'][11:16]}, give or take {minutes} min")
    return ", ".join(told) or "nothing yet"


def _plain(value: object) -> object:
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _is_readable(key: str, value: object) -> bool:
    return key not in _NOT_TOLD and isinstance(value, str | int | float) and value != ""
