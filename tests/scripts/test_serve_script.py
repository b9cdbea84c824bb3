"""`scripts/serve.py` makes the environment ready and goes on as the server."""

from __future__ import annotations

import pytest

from scripts import environment, serve


@pytest.fixture
def doings(monkeypatch) -> list[object]:
    """What the script did, in order, instead of doing it."""
    done: list[object] = []
    monkeypatch.setattr(environment, "prepare", lambda wanted: done.append(("prepare", wanted)))
    monkeypatch.setattr(environment, "become", lambda command: done.append(command) or 0)
    monkeypatch.setattr(environment, "run_as_child", lambda command: done.append(command) or 0)
    return done


def test_arguments_reach_the_server_after_the_environment_is_ready(doings):
    ours = environment.for_serving()

    assert serve.main(["--port", "0", "--demo"]) == 0

    server = [str(ours.interpreter), "-P", "-m", "farm", "serve", "--port", "0", "--demo"]
    assert doings == [("prepare", ours), server]


def test_help_shows_the_scripts_own_words_and_then_the_servers(doings, monkeypatch, capsys):
    monkeypatch.setattr(environment, "is_ready", lambda wanted: True)

    assert serve.main(["--help"]) == 0

    assert "Starts the farm server" in capsys.readouterr().out
    assert doings == [[str(environment.for_serving().interpreter), "-P", "-m", "farm", "serve", "--help"]]


def test_help_before_the_first_start_installs_nothing(doings, monkeypatch, capsys):
    monkeypatch.setattr(environment, "is_ready", lambda wanted: False)

    assert serve.main(["-h"]) == 0

    assert "once a first start has installed it" in capsys.readouterr().out
    assert doings == []
