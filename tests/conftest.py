"""Fixtures for every folder of tests."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

COMPILED = Path(__file__).parents[1] / ".compiled"
"""What is compiled once serves every farm that a test starts, and the tests themselves."""

os.environ.setdefault("NUMBA_CACHE_DIR", str(COMPILED))

pytest_plugins = [
    "tests.multicast",
    "tests.peers.moonraker",
    "tests.peers.octoprint",
    "tests.peers.prusalink",
]


def pytest_configure() -> None:
    """Ended by its owner, a run takes its print hosts along, as it does at a Ctrl-C.

    Hypothesis sets no deadlines: on a busy machine an example takes as long as it takes.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings.register_profile("farm", deadline=None)
    settings.load_profile("farm")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The real PrusaLink is for the long run alone: in some of its lives it misses an "ok" of its printer,
    and then stands still for half a minute at a time."""
    for item in items:
        if item.get_closest_marker("prusalink"):
            item.add_marker(pytest.mark.long)
