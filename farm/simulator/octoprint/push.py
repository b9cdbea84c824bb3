"""OctoPrint's raw push socket for one client, as messages in and out: no socket, no clock."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from farm.simulator.host import Json
from farm.simulator.octoprint.host import USER, VERSION, PrintHost

EVERY_S = 0.5  # between two `current` messages
LATE_S = 0.06  # a picture later than this takes the place of the next one
MAX_WAITING = 1000  # messages a client may leave unread before it is cut off


class Push:
    """One client of the push socket.

    `waiting` holds the messages to send; `on_news` is called when one was added outside of `tick`.
    sessions: the logins that are good.
    """

    def __init__(
        self, host: PrintHost, sessions: set[str], now: float, on_news: Callable[[], None] = lambda: None
    ) -> None:
        self.waiting: deque[bytes] = deque()
        self.wake_at = now + EVERY_S
        """When `tick` wants to be called again."""
        self._next_current = now
        self._host = host
        self._sessions = sessions
        self._on_news = on_news
        self._logged_in = self._told_history = False
        self._throttle = 1
        self._seen_samples = self._seen_changes = 0
        self._state = self._events = True
        self._rested = False  # there was nothing to push when the last picture was due
        self._settled_at = -1
        self._settled: dict[str, msgspec.Raw] = {}  # what seldom changes, encoded once
        self._say("connected", _about_the_server())
        host.listeners.add(self._event)

    def close(self) -> None:
        self._host.listeners.discard(self._event)

    @property
    def over(self) -> bool:
        """Whether the client reads so little that it is cut off."""
        return len(self.waiting) > MAX_WAITING

    def receive(self, text: str, now: float) -> None:
        """What the client says. Nonsense is ignored, as the real one does."""
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return
        if isinstance(message, dict):
            self._understand(message, now)
            self._on_news()

    def _understand(self, message: Json, now: float) -> None:
        if "auth" in message:
            self._log_in(message["auth"], now)
        elif "throttle" in message:
            wanted = message["throttle"]
            if isinstance(wanted, int) and wanted >= 1:
                self._next_current += EVERY_S * (wanted - self._throttle)
                self._throttle = wanted
                self.wake_at = min(self.wake_at, max(now, self._next_current))
        elif isinstance(wanted := message.get("subscribe"), dict):
            self._subscribe(wanted, now)

    def tick(self, now: float) -> None:
        """Adds a `current` message when one is due and there is something new, as there is with every line
        that a printer says. While it is away or silent nothing is pushed, however long that lasts."""
        self.wake_at = now + EVERY_S
        if not (self._logged_in and self._told_history and self._state):
            return
        if now < self._next_current:
            self.wake_at = self._next_current
            return
        self._host.tick(now)
        if self._host.stamped:
            self._host.sample(now)
        rested, self._rested = self._rested, self._host.quiet and self._host.changes == self._seen_changes
        if self._rested:
            return
        self.wake_at = self._next_current = now + self._step if rested else self._next_in_rhythm(now)
        fresh = self._host.sampled - self._seen_samples
        temps = list(self._host.samples)[-fresh:] if fresh else []
        self._mark_seen()
        self._say_current(now, temps)

    @property
    def _step(self) -> float:
        return EVERY_S * self._throttle

    def _next_in_rhythm(self, now: float) -> float:
        """When the next picture is due. A late one does not shift the rhythm: on a busy machine all printers
        would fall into step."""
        late = now - self._next_current
        left_out = math.ceil(max(0.0, late - LATE_S) / self._step)
        return self._next_current + self._step * (1 + left_out)

    def repeat(self, times: int, now: float) -> None:
        """Adds so many pictures in which nothing is new, as far as there is room for them."""
        room = MAX_WAITING // 2 - len(self.waiting)
        if self._logged_in and self._told_history and room > 0:
            self._say_current(now, [])
            self.waiting.extend([self.waiting[-1]] * min(times - 1, room))

    def _say_current(self, now: float, temps: list[Json]) -> None:
        self._say("current", {**self._picture(now), "temps": temps, "busyFiles": self._host.busy_files()})

    def _log_in(self, token: object, now: float) -> None:
        name, _, session = token.partition(":") if isinstance(token, str) else ("", "", "")
        if name == USER and session in self._sessions:
            self._logged_in = True
            self._history(now)
            self._say("timelapse", None)
        elif isinstance(token, str) and token.count(":") == 1:
            self._logged_in = False
            self._say("reauthRequired", {"reason": "stale"})

    def _subscribe(self, wanted: Json, now: float) -> None:
        self._events = bool(wanted.get("events"))
        self._state = bool(wanted.get("state"))
        if self._state and self._logged_in:
            self._history(now)

    def _history(self, now: float) -> None:
        self._told_history = True
        self._next_current = now + EVERY_S
        if self._state:
            self._host.tick(now)
            self._mark_seen()
            self._say("history", {**self._picture(now), "temps": list(self._host.samples)})

    def _mark_seen(self) -> None:
        self._seen_samples, self._seen_changes = self._host.sampled, self._host.changes

    def _picture(self, now: float) -> Json:
        host = self._host
        if self._settled_at != host.version:
            self._settled_at = host.version
            parts = {"state": host.state(), "job": host.job(), "markings": list(host.markings)}
            self._settled = {name: msgspec.Raw(msgspec.json.encode(part)) for name, part in parts.items()}
        return {
            **self._settled,
            "currentZ": host.machine.height,
            "progress": host.progress(now),
            "offsets": {},
            "resends": {"count": 0, "transmitted": host.machine.lines, "ratio": 0},
            "serverTime": host.wall(now),
            "logs": [],
            "messages": [],
        }

    def _event(self, kind: str, payload: Json | None) -> None:
        self.wake_at = min(self.wake_at, self._next_current)
        if self._logged_in and self._events:
            self._say("event", {"type": kind, "payload": payload})
            self._on_news()

    def _say(self, kind: str, payload: Any) -> None:
        self.waiting.append(msgspec.json.encode({kind: payload}))


def _about_the_server() -> Json:
    return {
        "version": VERSION,
        "display_version": VERSION,
        "branch": "HEAD",
        "python_version": "3.11.7",
        "plugin_hash": "0" * 32,
        "config_hash": "0" * 32,
        "debug": False,
        "safe_mode": None,
        "online": True,
        "permissions": [],
    }
