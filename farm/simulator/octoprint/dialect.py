"""A simulated OctoPrint as its station runs it: the host, its API and its push socket in one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import msgspec

from farm.drivers.exchange import Answer
from farm.errors import Invalid
from farm.simulator.faults import Faults, Swallowed
from farm.simulator.host import Asked, Json, Reply
from farm.simulator.machine import Machine
from farm.simulator.octoprint.api import FILES, STARTING, answer, authorised
from farm.simulator.octoprint.host import PrintHost
from farm.simulator.octoprint.push import Push
from farm.simulator.upload import FormReader


class OctoPrint(PrintHost):
    """An OctoPrint 1.11.8 and the logins made at it."""

    kind: ClassVar[str] = "octoprint"
    push_path: ClassVar[str] = "/sockjs/websocket"
    starting: ClassVar[Answer | None] = STARTING

    def __init__(self, machine: Machine, folder: Path, api_key: str, now: float, wall_offset: float) -> None:
        super().__init__(machine, folder, api_key, now, wall_offset)
        self._sessions: set[str] = set()

    def went_down(self) -> None:
        super().went_down()
        self._sessions.clear()

    def take_upload(self, head: Asked) -> FormReader | None:
        if (head.method, head.path) == ("POST", FILES) and authorised(self.api_key, head.headers):
            with suppress(Invalid):
                return FormReader(head.headers.get("content-type", ""), self.folder)
        return None

    def answer(self, question: Asked, now: float, reply: Reply) -> None:
        reply(answer(self, question, self._sessions, now))

    def push(self, head: Asked, faults: Faults, now: float, on_news: Callable[[], None]) -> Push:
        return Push(self, self._sessions, now, on_news)

    def means(self, question: Asked) -> frozenset[Swallowed]:
        if question.method == "DELETE":
            return frozenset({Swallowed.DELETE})
        if question.method != "POST":
            return frozenset()
        body, upload = _command(question), question.path == FILES
        found = {
            Swallowed.POST: True,
            Swallowed.UPLOAD: upload,
            Swallowed.START: _starts(question, body),
            Swallowed.COPY: body.get("command") == "copy",
        }
        return frozenset(what for what, meant in found.items() if meant)


def _starts(question: Asked, body: Json) -> bool:
    if question.form is not None:
        return question.form.fields.get("print") == "true"
    if question.path == "/api/job":
        return body.get("command") in ("start", "restart")
    return question.path.startswith(f"{FILES}/") and body.get("print") is True


def _command(question: Asked) -> Json:
    try:
        body = msgspec.json.decode(question.body)
    except msgspec.DecodeError:
        return {}
    return body if isinstance(body, dict) else {}
