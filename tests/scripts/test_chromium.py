"""`scripts/chromium.py` finds a browser, installs one only where it may, and else says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import chromium, debian
from scripts.environment import EnvironmentFailed


@pytest.fixture
def bare_machine(monkeypatch, tmp_path: Path) -> Path:
    """A machine without a browser; returns the folder of its programs."""
    monkeypatch.delenv("FARM_CHROMIUM", raising=False)
    monkeypatch.setattr(chromium, "ELSEWHERE", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def a_program(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_named_program_goes_before_the_one_on_the_path(bare_machine, monkeypatch):
    a_program(bare_machine / "chromium")
    named = a_program(bare_machine / "mine")
    monkeypatch.setenv("FARM_CHROMIUM", str(named))

    assert chromium.prepare(may_install=False) == named


def test_browser_on_the_path_is_taken(bare_machine):
    program = a_program(bare_machine / "google-chrome")

    assert chromium.prepare(may_install=False) == program


def test_without_one_it_says_what_to_do(bare_machine):
    with pytest.raises(EnvironmentFailed, match="FARM_CHROMIUM"):
        chromium.prepare(may_install=False)


def test_nothing_is_installed_unasked_and_once_where_it_may(bare_machine, monkeypatch):
    installed = []

    def install(what: str, *packages: str) -> None:
        assert (what, packages) == ("Chromium", ("chromium",))
        installed.append(a_program(bare_machine / "chromium"))

    monkeypatch.setattr(debian, "can_install", lambda: True)
    monkeypatch.setattr(debian, "install", install)

    with pytest.raises(EnvironmentFailed):
        chromium.prepare(may_install=False)
    assert not installed
    assert chromium.prepare(may_install=True) == installed[0]
    chromium.prepare(may_install=True)
    assert len(installed) == 1
