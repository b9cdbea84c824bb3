"""How the search is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

import numba

import farm.workers.kernels  # noqa: F401 -- it says where compiled code is kept

P = ParamSpec("P")
T = TypeVar("T")

# numba counts who holds an array whenever one is passed on: nine tenths of the time of a search that passes
# dozens of them to small functions. Nothing here makes an array, so there is nothing to count.
_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}


def kernel(function: Callable[P, T]) -> Callable[P, T]:
    """As `farm.workers.kernels.kernel`, of functions that make no arrays."""
    return cast(Callable[P, T], numba.njit(**_OPTIONS)(function))


def part(function: Callable[P, T]) -> Callable[P, T]:
    """As `farm.workers.kernels.part`, of functions that make no arrays."""
    return cast(Callable[P, T], numba.njit(forceinline=True, **_OPTIONS)(function))
