"""What the worker processes of files do; see `farm.workers.inside`. NumPy and its like come with the work."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.pictures.thumbnails import Picture
from farm.files.samples import SAMPLES


@dataclass(frozen=True, slots=True)
class Asked:
    """path: of the content. glance: only for what its slicer says, which needs nothing compiled."""

    path: str
    kind: FileKind
    glance: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """result: the analysis as JSON, as it is stored. pictures: in all sizes, the narrowest first."""

    result: bytes
    pictures: tuple[Picture, ...] = ()


def warm_up() -> None:
    """Import what the work takes, and compile its kernels, which takes the first process of all a while."""
    from farm.files.analysis import analyse
    from farm.files.pictures import sizes  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        for kind, content in SAMPLES:
            path = Path(folder, f"sample.{kind}")
            path.write_bytes(content)
            analyse(path, kind)


def work(asked: Asked, tell: Callable[[float], None]) -> Found:
    """One file. Raises Invalid for what is damaged."""
    from farm.files.analysis import analyse, glance

    path = Path(asked.path)
    try:
        found = glance(path, asked.kind) if asked.glance else analyse(path, asked.kind, tell)
    except FileNotFoundError as error:
        raise Invalid("its content is missing on the shop PC's disk; send the file again") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise Invalid(f"the shop PC's disk cannot read it ({why}); send the file again") from error
    result = msgspec.json.encode(found.result)
    return Found(result, () if asked.glance else _in_sizes(found.picture))


def _in_sizes(picture: Picture | None) -> tuple[Picture, ...]:
    from farm.files.pictures.sizes import in_sizes

    try:
        return in_sizes(picture) if picture is not None else ()
    except Invalid:  # the file prints as well without
        return ()
