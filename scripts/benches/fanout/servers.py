"""Servers in processes of their own, and the packages that the rivals need."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from scripts import environment

HERE = Path(__file__).parent
ANSWERS_WITHIN_S = 120.0


class Server:
    """A server that is told what to do by lines on stdin, and answers each with one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.told: Mapping[str, Any] = {}

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.told["port"])

    async def ask(self, do: str, **order: Any) -> Mapping[str, Any]:
        """Let it do something, and wait until it has."""
        assert self._process.stdin is not None  # noqa: S101  # for the type checker
        self._process.stdin.write((json.dumps({"do": do, **order}) + "\n").encode())
        return await self._answer()

    async def _answer(self) -> Mapping[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  # for the type checker
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the server ended; what it said stands above")
        answer: Mapping[str, Any] = json.loads(line)
        return answer

    @classmethod
    @asynccontextmanager
    async def running(cls, *command: str, **variables: str) -> AsyncIterator[Server]:
        """Start it, wait until it listens, and end it afterwards."""
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=environment.CHECKOUT,
            env={**os.environ, **variables},
        )
        server = cls(process)
        try:
            server.told = await server._answer()
            yield server
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def farm(folder: str) -> tuple[str, ...]:
    """The command of a farm on an empty data folder."""
    return (sys.executable, "-m", "scripts.benches.fanout.farm_server", folder)


def rival(name: str) -> tuple[str, ...]:
    """The command of Socket.IO ("socket.io") or of a bare server ("ws")."""
    return ("node", str(HERE / "rivals.js"), name)


def packages() -> Path | None:
    """Where the rivals' packages are, installed if need be; None, and a line why, where that cannot be."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        environment.say("no node and npm on this machine: Socket.IO is not measured, ours alone is")
        return None
    lock = HERE / "package-lock.json"
    folder = environment.cache_folder() / f"fan-out-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    found = folder / "node_modules"
    if found.exists():
        return found
    draft = folder.with_name(f"{folder.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    try:
        for name in ("package.json", lock.name):
            shutil.copy(HERE / name, draft)
        environment.run_quietly(
            "installing Socket.IO", [npm, "ci", "--prefix", str(draft), "--no-audit", "--no-fund"]
        )
        shutil.move(draft, folder)
    except environment.EnvironmentFailed as problem:
        environment.say(f"Socket.IO is not measured, ours alone is: {problem}")
        return None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return found
