"""A simulated PrusaLink as its station runs it: the host and its HTTP API in one. It has no socket."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import ClassVar

from farm.drivers.exchange import Answer
from farm.simulator.faults import Swallowed
from farm.simulator.host import Asked, Reply
from farm.simulator.machine import Machine
from farm.simulator.prusalink.api import FILES, STARTING, answer
from farm.simulator.prusalink.host import PrusaLinkHost
from farm.simulator.upload import BareReader


class PrusaLink(PrusaLinkHost):
    """A PrusaLink 0.8.1 on an MK3. It takes its key, or a Digest of user `maker` with the key as password."""

    starting: ClassVar[Answer | None] = STARTING

    def __init__(self, machine: Machine, folder: Path, api_key: str, now: float, wall_offset: float) -> None:
        super().__init__(machine, folder, api_key, now, wall_offset)
        self._nonce = secrets.token_hex(32)

    def restarted(self, now: float) -> None:
        super().restarted(now)
        self._nonce = secrets.token_hex(32)

    def take_upload(self, head: Asked) -> BareReader | None:
        if head.method != "PUT" or not head.path.startswith(f"{FILES}/"):
            return None
        length = head.headers.get("content-length", "")
        return BareReader(head.path, int(length) if length.isdecimal() else 0, self.folder)

    def answer(self, question: Asked, now: float, reply: Reply) -> None:
        answer(self, question, self._nonce, now, reply)

    def means(self, question: Asked) -> frozenset[Swallowed]:
        on_file = question.path.startswith(f"{FILES}/")
        upload = question.method == "PUT" and on_file
        prints = upload and question.headers.get("print-after-upload") == "?1"
        deletes = question.method == "DELETE" and on_file
        found = {
            Swallowed.POST: question.method in ("POST", "PUT", "DELETE") and not deletes,
            Swallowed.UPLOAD: upload,
            Swallowed.START: prints or (question.method == "POST" and on_file),
            Swallowed.DELETE: deletes,
        }
        return frozenset(what for what, meant in found.items() if meant)
