"""The two SQLite files: one writer each, commits in groups, a start that never guesses, queries by noun."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def _load_alone(library: str, without: tuple[str, ...]) -> None:
    """Load a library as where these others are not installed."""
    loaded: dict[str, Any] = sys.modules
    there = {name: loaded.get(name) for name in without}
    loaded.update(dict.fromkeys(without))  # which says of each that it cannot be had
    try:
        import_module(library)
    finally:
        for name, module in there.items():
            if module is None:
                del loaded[name]
            else:
                loaded[name] = module


# It takes numpy and pandas along where it finds them, to be able to store their values. Nobody here stores
# any, and the server would start a third of a second later.
_load_alone("sqlite_utils", without=("numpy", "pandas"))
