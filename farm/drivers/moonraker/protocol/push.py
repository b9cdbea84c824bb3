"""Moonraker's push socket as values: messages in, readings and our questions out. No I/O, no clock.

JSON-RPC 2.0, recorded from Moonraker 0.11.0. Whoever connects says what it is, asks for what Klipper has, and
subscribes to it; then Klipper tells what changed, four times a second. When it starts again all that is
forgotten, and has to be asked for again. Once a second Moonraker tells how its own computer is, and what
Klipper's console says is passed on, too: many messages are none for us.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import IntEnum

from msgspec import structs

from farm import __version__
from farm.drivers.base import Reading
from farm.drivers.exchange import one_line, opened
from farm.drivers.moonraker.protocol.api import PEER, WRONG_KEY
from farm.drivers.moonraker.protocol.klipper import Klipper, Objects, Prints, reading, told, wanted
from farm.drivers.values import text_of
from farm.errors import Forbidden, ProtocolError

PATH = "/websocket"
MOST_OPEN = 8  # questions without an answer; there are two at most, unless Moonraker goes mad
MOST_SAID, LONGEST_SAID = 100, 10_000  # lines between two readings; characters of one message
_HEARTBEAT = '"notify_proc_stat_update"'
_NAMED_WITHIN = 80  # characters of a message, in which its method stands

Params = Mapping[str, object]


class News(IntEnum):
    """What a message brings: nothing for us, only measured values, or a change of what is going on."""

    NONE = 0
    SAMPLE = 1
    CHANGE = 2


class Session:
    """One connection's talk. What it wants to say is fetched with `to_send` after each call."""

    def __init__(self, stale_s: float) -> None:
        """stale_s: how long Klipper may say nothing, not even when it is asked, in seconds."""
        self._stale_s = stale_s
        self._numbers = 0
        self._asked: dict[int, Callable[[Params], News]] = {}
        self._asked_at = float("-inf")
        self._outbox: list[str] = []
        self._klipper: Klipper | None = None  # where it is not ready, or before anything was told
        self._objects: Objects | None = None  # where we are subscribed
        self._prints = Prints()
        self._heard_at = float("-inf")
        self._now = float("-inf")
        self._said: list[str] = []  # in Klipper's console, since the last reading

    def begin(self, now: float) -> None:
        """The first words on a new connection, whose handshake told the key."""
        self._now = self._heard_at = now
        about = {"client_name": "printer-farm", "version": __version__, "type": "other", "url": ""}
        self._ask("server.connection.identify", about, self._known)

    @property
    def has_to_send(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._outbox)

    def to_send(self) -> list[str]:
        """The messages to send now; each is given once."""
        messages, self._outbox = self._outbox, []
        return messages

    def receive(self, message: str, now: float) -> News:
        """Take in a message; what there is new to read. now: seconds of a monotonic clock.

        Raises Forbidden, and ProtocolError for what Moonraker does not say.
        """
        if _HEARTBEAT in message[:_NAMED_WITHIN]:
            return News.NONE
        self._now = now
        given = _opened(message)
        number = given.get("id")
        if isinstance(number, int) and not isinstance(number, bool):
            return self._answered(number, given)
        match given.get("method"):
            case "notify_status_update":
                return self._changed(given.get("params"))
            case "notify_klippy_ready":
                self._objects = None
                self._ask_what_there_is()
                return News.NONE
            case "notify_klippy_shutdown":
                self._ask("printer.info", {}, self._explained)
                return News.NONE
            case "notify_klippy_disconnected":
                return self._away(Klipper("disconnected"))
            case "notify_gcode_response":
                return self._listen(given.get("params"))
        return News.NONE

    def look(self, now: float) -> None:
        """Ask how it is, unless a question is open: nothing came for a while, and nobody knows why."""
        self._now = now
        if self._asked and now - self._asked_at < self._stale_s:
            return
        self._asked.clear()
        if self._objects is None:
            self._ask("server.info", {}, self._introduced)
        else:
            self._ask("printer.objects.query", {"objects": self._objects.wanted}, self._queried)

    def reading(self, now: float) -> Reading | None:
        """What the printer does, as far as it has been told; None before anything was."""
        klipper = self._objects.klipper() if self._objects is not None else self._klipper
        if klipper is None:
            return None
        said, self._said = tuple(self._said), []
        found = structs.replace(reading(klipper), ended=self._prints.ended, said=said)
        silent_s = now - self._heard_at
        if silent_s < self._stale_s or not found.machine_connected:
            return found
        words = f"Klipper has not said anything for {silent_s:.0f} s, although it was asked. Look at it."
        return structs.replace(found, stale=True, attention=words)

    # -- answers -----------------------------------------------------------------------------------

    def _answered(self, number: int, given: Params) -> News:
        take = self._asked.pop(number, None)
        if take is None:
            return News.NONE
        error = given.get("error")
        if error is None:
            found = given.get("result")
            return take(found if isinstance(found, dict) else {})
        words = error.get("message") if isinstance(error, dict) else None
        if take == self._known or words == "Unauthorized":
            raise Forbidden(WRONG_KEY)
        return News.NONE  # Klipper went away meanwhile, or starts; the next look shows

    def _known(self, result: Params) -> News:
        self._ask("server.info", {}, self._introduced)
        return News.NONE

    def _introduced(self, result: Params) -> News:
        state = text_of(result.get("klippy_state"))
        if not state:
            raise ProtocolError("Moonraker does not tell how Klipper is.")
        if state == "ready":
            self._ask_what_there_is()
            return News.NONE
        if state == "disconnected":
            return self._away(Klipper(state))
        self._ask("printer.info", {}, self._explained)
        return News.NONE

    def _explained(self, result: Params) -> News:
        klipper = Klipper(text_of(result.get("state")), told(result.get("state_message")))
        if klipper.state == "ready":
            if self._objects is None:
                self._ask_what_there_is()
            return News.NONE
        return self._away(klipper)

    def _ask_what_there_is(self) -> None:
        self._ask("printer.objects.list", {}, self._listed)

    def _listed(self, result: Params) -> News:
        objects = wanted(result.get("objects"))
        if "print_stats" not in objects or "webhooks" not in objects:
            raise ProtocolError(
                "Klipper has no [virtual_sdcard]: add it to its configuration, to print files."
            )

        def subscribed(result: Params) -> News:
            self._objects = Objects(objects)
            return self._merge(result.get("status"))

        self._ask("printer.objects.subscribe", {"objects": objects}, subscribed)
        return News.NONE

    def _queried(self, result: Params) -> News:
        return self._merge(result.get("status"))

    # -- what Klipper tells ------------------------------------------------------------------------

    def _changed(self, params: object) -> News:
        return self._merge(params[0]) if isinstance(params, list) and params else News.NONE

    def _listen(self, params: object) -> News:
        text = params[0] if isinstance(params, list) and params else None
        if not isinstance(text, str):
            return News.NONE
        for line in text[:LONGEST_SAID].splitlines():
            if len(self._said) < MOST_SAID:
                self._said.append(one_line(line))
            else:
                self._said[-1] = "… and more than the farm keeps"
        return News.CHANGE

    def _merge(self, status: object) -> News:
        if self._objects is None or not isinstance(status, dict):
            return News.NONE
        self._heard_at = self._now
        changed = self._objects.merge(status)
        klipper = self._objects.klipper()
        self._prints.follow(klipper)
        if klipper.state not in ("ready", ""):
            self._klipper, self._objects = klipper, None
        return News.CHANGE if changed else News.SAMPLE

    def _away(self, klipper: Klipper) -> News:
        self._klipper, self._objects = klipper, None
        self._prints.follow(klipper)
        return News.CHANGE

    def _ask(self, method: str, params: Mapping[str, object], take: Callable[[Params], News]) -> None:
        if len(self._asked) >= MOST_OPEN:
            raise ProtocolError("Moonraker leaves question after question unanswered.")
        self._numbers += 1
        self._asked[self._numbers], self._asked_at = take, self._now
        message = {"jsonrpc": "2.0", "method": method, "params": params, "id": self._numbers}
        self._outbox.append(json.dumps(message))


def _opened(message: str) -> dict[str, object]:
    return opened(message, f"{PEER} pushes", "what is not JSON")
