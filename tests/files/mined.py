"""Reads files as the farm does, but for those that say what shall become of their reader."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from farm.files.at_work import Asked, Found, warm_up
from farm.files.at_work import work as read

__all__ = ["warm_up", "work"]

MB = 1_000_000


def work(asked: Asked, tell: Callable[[float], None]) -> Found:
    match Path(asked.path).read_bytes().partition(b"\n")[0]:
        case b"; die":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"; hang":
            time.sleep(60)
        case b"; eat":
            return Found(b"".join(b"\1" * MB for _ in range(1000)))
        case b"; babble":
            return Found(b"no JSON")
    return read(asked, tell)
