"""Loops over bytes and numbers, compiled. Only worker processes import this: numba takes time and room.

numba asks whether a kernel's own file has changed, and never whether what it calls has: after an upgrade of
the farm it would go on with a part of the old one. So what is compiled lies in a folder of its own for each
state of the sources, below the one that NUMBA_CACHE_DIR names.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from farm.workers.imports import without

# numba looks for SciPy's linear algebra, which takes long to import, and no kernel makes use of it; and for
# what counts the lines that tests run.
with without("scipy", "coverage"):
    import numba
    import numba.np.arraymath

P = ParamSpec("P")
T = TypeVar("T")

OURS = "farm-"  # others may keep theirs in the same folder
KEPT = 4  # folders: of this state of the sources, and of the last before it, should somebody go back


def folder_for(root: Path, sources: Iterable[Path]) -> Path:
    """Where below `root` the code compiled from `sources` belongs. The oldest of ours go."""
    mark = hashlib.sha256()
    for source in sorted(sources):
        mark.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    folder = root / f"{OURS}{mark.hexdigest()[:16]}"
    if not folder.exists():
        with contextlib.suppress(OSError):  # another process may be at it, too
            others = sorted(root.glob(f"{OURS}*"), key=lambda one: one.stat().st_mtime)
            for old in others[: max(0, len(others) - KEPT + 1)]:
                shutil.rmtree(old, ignore_errors=True)
    return folder


_config: Any = numba.config  # its types say nothing of it
if _config.CACHE_DIR:
    _here = Path(__file__)
    _files = (f"files/{part}" for part in ("containers", "gcode", "mesh", "pictures", "slicers"))
    _parts = (*_files, "schedule/engine")  # the kernels, and numbers frozen in them
    _sources = (source for part in _parts for source in (_here.parents[1] / part).rglob("*.py"))
    _config.CACHE_DIR = str(folder_for(Path(_config.CACHE_DIR), (_here, *_sources)))


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """Compiled at its first call and kept on disk for the next process. Bounds are not checked in it."""
    return cast(Callable[P, T], numba.njit(cache=True, nogil=True)(function))


def part(function: Callable[P, T]) -> Callable[P, T]:
    """A kernel that becomes part of those that call it, where a call for every word would cost too much."""
    return cast(Callable[P, T], numba.njit(cache=True, nogil=True, forceinline=True)(function))
