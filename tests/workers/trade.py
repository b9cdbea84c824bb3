"""What the workers of these tests can do: mostly harm."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.workers.inside import Tell

MB = 1_000_000


@dataclass
class Asked:
    deed: str
    detail: Any = None


def work(asked: Asked, tell: Tell) -> Any:
    return _DEEDS[asked.deed](asked.detail, tell)


def _add(numbers, tell):
    return sum(numbers)


def _look_around(_, tell):
    return {
        "pid": os.getpid(),
        "environment": dict(os.environ),
        "descriptors": [os.readlink(f"/proc/self/fd/{name}") for name in _descriptors()],
        "nice": os.nice(0),
        "folder": str(Path.cwd()),
        "temporary": tempfile.gettempdir(),
    }


def _descriptors():
    return [name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")]


def _go_on(steps, tell):
    for step in range(steps):
        tell(step / steps)
        time.sleep(0.12)
    return steps


def _get_better(steps, tell):
    for step in range(steps):
        tell.interim(step)
    return steps


def _get_better_and_hang(steps, tell):
    _get_better(steps, tell)
    time.sleep(60)


def _say_where_and_hang(path, tell):
    Path(path).write_text(str(os.getpid()), encoding="ascii")
    time.sleep(60)


def _burn(seconds, tell):
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass
    return "burnt"


def _eat(megabytes, tell):
    eaten = [b"\1" * MB for _ in range(megabytes)]
    return len(eaten)


def _eat_slowly(megabytes, tell):
    eaten = []
    for _ in range(megabytes):
        eaten.append(b"\1" * MB)
        time.sleep(0.005)
    return len(eaten)


def _die(number, tell):
    os.kill(os.getpid(), number)
    time.sleep(60)


def _stop(_, tell):
    os.kill(os.getpid(), signal.SIGSTOP)


def _print(_, tell):
    print("hello", flush=True)  # noqa: T201 -- as any library may
    os.write(1, b"\0\0\0\xff" * 100_000)
    sys.stderr.write("x" * MB)
    return sys.stdin.read()


def _babble(data, tell):
    """Straight into the pipe to the server, which no library knows of."""
    (pipe,) = (int(name) for name in _descriptors() if _is_telling(int(name)))
    os.write(pipe, data)
    time.sleep(60)


def _is_telling(descriptor):
    names = {other: os.readlink(f"/proc/self/fd/{other}") for other in (1, 2, descriptor)}
    writes = os.get_blocking(descriptor) and _writes(descriptor)
    return (
        descriptor > 2 and names[descriptor].startswith("pipe:") and names[descriptor] != names[2] and writes
    )


def _writes(descriptor):
    flags = Path(f"/proc/self/fdinfo/{descriptor}").read_text("ascii").split("flags:")[1].split()[0]
    return int(flags, 8) & os.O_ACCMODE == os.O_WRONLY


def _answer_much(size, tell):
    return b"x" * size


def _turn_down(words, tell):
    from farm.errors import Invalid

    raise Invalid(words)


def _stumble(_, tell):
    raise RecursionError("a mistake")


def _write(path, tell):
    Path(path).write_bytes(bytes(20 * MB))


def _connect(_, tell):
    socket.create_connection(("127.0.0.1", 9))


def _run(_, tell):
    subprocess.run(["true"])


_DEEDS = {
    "add": _add,
    "look around": _look_around,
    "go on": _go_on,
    "get better": _get_better,
    "get better and hang": _get_better_and_hang,
    "hang": _say_where_and_hang,
    "burn": _burn,
    "eat": _eat,
    "eat slowly": _eat_slowly,
    "die": _die,
    "stop": _stop,
    "print": _print,
    "babble": _babble,
    "answer": _answer_much,
    "turn down": _turn_down,
    "stumble": _stumble,
    "write": _write,
    "connect": _connect,
    "run": _run,
}
