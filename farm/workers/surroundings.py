"""Where worker processes live: a folder of their own, and an environment without anybody's secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import trio

from farm.errors import StorageFailed
from farm.platform import make_private_folder

_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT", "WINDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What an interpreter and its libraries need to start at all."""

_ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
"""A worker is one of several; and each thread would count against its memory."""

_COMPILED = "NUMBA_CACHE_DIR"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """folder: for what libraries leave behind. Whoever sets NUMBA_CACHE_DIR keeps compiled code there."""

    folder: Path

    async def prepare(self) -> None:
        """Make the folders. Raises StorageFailed."""
        try:
            await trio.to_thread.run_sync(make_private_folder, self.folder / "compiled")
        except OSError as error:
            raise StorageFailed(f"the folder {self.folder} cannot be made: {error.strerror}") from error

    def environment(self, ours: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Of a worker. ours: the server's own."""
        folder = str(self.folder)
        return {
            **{name: ours[name] for name in _KEPT if name in ours},
            **_ONE_THREAD,
            **dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), folder),
            _COMPILED: ours.get(_COMPILED) or str(self.folder / "compiled"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
