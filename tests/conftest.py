"""Fixtures for every folder of tests."""

pytest_plugins = ["tests.peers.moonraker", "tests.peers.octoprint", "tests.peers.prusalink"]
