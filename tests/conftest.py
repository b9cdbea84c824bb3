"""Fixtures for every folder of tests."""

import signal

pytest_plugins = ["tests.peers.moonraker", "tests.peers.octoprint", "tests.peers.prusalink"]


def pytest_configure() -> None:
    """Ended by its owner, a run takes its print hosts along, as it does at a Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
