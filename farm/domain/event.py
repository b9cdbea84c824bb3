"""Facts: what happened, numbered in the transaction that made it true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened and is committed.

    seq: the row's number; grows by commit order. type: "job.started" and the like.
    rooms: who may want to hear it. data: JSON-ready values only.
    """

    seq: int
    type: str
    rooms: tuple[str, ...]
    at: datetime
    data: Mapping[str, Any]
