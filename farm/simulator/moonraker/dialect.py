"""A simulated Moonraker as its station runs it: the host, its HTTP API and its socket in one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import ClassVar

from farm.errors import Invalid
from farm.simulator.faults import Faults, Swallowed
from farm.simulator.host import Asked, Reply
from farm.simulator.moonraker.api import UPLOAD, answer, authorised, called
from farm.simulator.moonraker.host import MoonrakerHost
from farm.simulator.moonraker.methods import meant
from farm.simulator.moonraker.push import Push
from farm.simulator.upload import FormReader


class Moonraker(MoonrakerHost):
    """A Moonraker 0.11.0 that wants its key, and the Klipper below it."""

    push_path: ClassVar[str] = "/websocket"

    def take_upload(self, head: Asked) -> FormReader | None:
        if (head.method, head.path) == ("POST", UPLOAD):
            with suppress(Invalid):
                return FormReader(head.headers.get("content-type", ""), self.folder, "sha256")
        return None

    def answer(self, question: Asked, now: float, reply: Reply) -> None:
        answer(self, question, now, reply)

    def push(self, head: Asked, faults: Faults, now: float, on_news: Callable[[], None]) -> Push:
        return Push(self, faults, authorised(self, head), now, on_news)

    def means(self, question: Asked) -> frozenset[Swallowed]:
        if question.form is None:
            return meant(*called(question))
        prints = question.form.fields.get("print", "").lower() == "true"
        return frozenset({Swallowed.POST, Swallowed.UPLOAD} | ({Swallowed.START} if prints else set()))
