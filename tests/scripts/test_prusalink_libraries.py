"""`scripts/prusalink.py` finds PrusaLink's libraries, installs them only where it may, and else says how."""

from __future__ import annotations

import sys

import pytest

from scripts import debian, prusalink
from scripts.environment import EnvironmentFailed


@pytest.fixture
def installed(monkeypatch) -> set[str]:
    """The packages that are here, on a Linux of which we are root."""
    here: set[str] = {"libmagic1"}
    looks = {package: lambda package=package: package in here for package in prusalink.LIBRARIES}
    monkeypatch.setattr(prusalink, "LIBRARIES", looks)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(debian, "can_install", lambda: True)
    monkeypatch.setattr(debian, "install", lambda what, *packages: here.update(packages))
    return here


def test_what_is_missing_is_installed_where_it_may(installed):
    prusalink.prepare(may_install=True)

    assert installed == {"libcap-dev", "libturbojpeg0", "libmagic1"}


def test_nothing_is_installed_unasked(installed):
    with pytest.raises(EnvironmentFailed, match="sudo apt install libcap-dev libturbojpeg0`"):
        prusalink.prepare(may_install=False)

    assert installed == {"libmagic1"}


def test_it_runs_on_linux_alone(installed, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(EnvironmentFailed, match="Linux"):
        prusalink.prepare(may_install=True)
