"""Simulated printers in a process of their own, with their switches."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any

import httpx


class Simulated:
    """`farm simulate` with some printers. Use as a context manager.

    printers: each with its `id`, `url` and `api_key`.
    """

    def __init__(self, printers: int = 1, speed: float = 1.0) -> None:
        self._command = [sys.executable, "-m", "farm", "simulate", "--json", "--until-input-ends"]
        self._command += ["--printers", str(printers), "--speed", str(speed)]

    def __enter__(self) -> Simulated:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.printers: list[dict[str, str]] = told["printers"]
        self._control = httpx.Client(base_url=told["control"] + "/", timeout=10, trust_env=False)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._control.close()
        with self._process:  # which closes its input, and it ends
            pass

    def make(self, what: str, printer: int = 0) -> None:
        """Something happens to a printer: "firmware_error", "drop_connection", "go_awol" …"""
        self._ask("POST", f"{self.printers[printer]['id']}/do", {"what": what})

    def switch(self, printer: int = 0, **faults: Any) -> None:
        """From now on a printer misbehaves so."""
        self._ask("PATCH", self.printers[printer]["id"], faults)

    def _ask(self, method: str, path: str, body: object) -> None:
        self._control.request(method, f"printers/{path}", json=body).raise_for_status()
