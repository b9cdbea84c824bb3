"""A farm that kills itself at one point on an upload's way: DIE_AT names it, then words as after `farm`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from farm import __main__
from farm.files import storage
from farm.store import files
from farm.web import uploads


def die(*_: Any, **__: Any) -> Any:
    """The power goes, as far as this process is concerned."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_after(real: Callable[..., Any]) -> Callable[..., Any]:
    """`real`, and then the end."""
    return lambda *given, **named: die(real(*given, **named))


def half(incoming: storage.Incoming, piece: list[bytes]) -> None:
    """Half of a piece reaches the disk."""
    incoming._file.write(piece[0][: len(piece[0]) // 2])
    die()


POINTS: dict[str, tuple[Any, str, Callable[..., Any]]] = {
    "half a piece written": (storage.Incoming, "append", half),
    "a piece written": (storage.Incoming, "append", dying_after(storage.Incoming.append)),
    "all written, not durable": (storage.Incoming, "finish", die),
    "durable under its temporary name": (storage.Incoming, "finish", dying_after(storage.Incoming.finish)),
    "renamed, the folder not durable": (storage, "rename_durably", dying_after(os.replace)),
    "in its place": (storage.Storage, "place", dying_after(storage.Storage.place)),
    "row written, not committed": (files, "add", dying_after(files.add)),
    "committed, not answered": (uploads, "FileAdded", die),
}
"""Where it can die: what is replaced, and by what."""


if __name__ == "__main__":
    owner, name, instead = POINTS[os.environ["DIE_AT"]]
    setattr(owner, name, instead)
    sys.exit(__main__.main(sys.argv[1:]))
