"""Loops over bytes and numbers, compiled. Only worker processes import this: numba takes time and room."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
T = TypeVar("T")


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """Compiled at its first call and kept on disk for the next process. Bounds are not checked in it."""
    return cast(Callable[P, T], numba.njit(cache=True, nogil=True)(function))
