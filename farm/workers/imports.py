"""Imports that leave out what nobody needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(*modules: str) -> Iterator[None]:
    """Let imports meanwhile find that these are not installed, as libraries can do that make use of them.

    Not what was imported before. Whoever needs them afterwards can have them.
    """
    absent: Any = None
    refused = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(refused, absent))
    try:
        yield
    finally:
        for name in refused:
            sys.modules.pop(name, None)
