"""The command line as people meet it: help, exit codes, settings, and what happens when it goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from farm import __version__
from farm.__main__ import main
from farm.errors import Refused, SettingsError

CHECKOUT = Path(__file__).resolve().parents[2]
FARM = [sys.executable, "-P", "-m", "farm"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT)}


def farm(*words, **options):
    return subprocess.run(
        [*FARM, *words], capture_output=True, text=True, env=ENVIRONMENT, timeout=60, **options
    )


def test_the_version_is_said():
    done = farm("version")
    assert done.returncode == 0
    assert done.stdout.startswith(f"printer-farm {__version__} (Python 3.")
    assert done.stderr == ""


def test_help_loads_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-P", "-m", "farm", "--help"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
    )
    assert done.returncode == 0
    assert "farm user add anna" in done.stdout
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "farm.commands.user" in loaded
    assert not loaded & {
        "trio",
        "quart",
        "httpx",
        "structlog",
        "sqlite3",
        "filelock",
        "farm.config",
        "farm.app",
    }


@pytest.mark.parametrize(
    "words",
    [
        ["serve"],
        ["check-config"],
        ["version"],
        *(["user", name] for name in ("add", "list", "disable", "reset-password")),
        *(["key", name] for name in ("add", "list", "revoke")),
        *(["printer", name] for name in ("add", "probe", "list", "command", "emergency-stop")),
        *(["job", name] for name in ("add", "list", "hold", "release", "cancel", "retry")),
    ],
    ids=" ".join,
)
def test_every_command_has_help(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--help"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: farm {' '.join(words)} [-h]")


@pytest.mark.parametrize("words", [[], ["key"], ["user"], ["printer"], ["job"]])
def test_no_command_at_all_is_wrong_usage(capsys, words):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "required: COMMAND" in capsys.readouterr().err


def test_good_settings_are_shown_with_what_holds(tmp_path):
    (tmp_path / "farm.toml").write_text("[live]\nmax_clients = 7\n")
    done = farm("check-config", "--data", str(tmp_path))
    assert done.returncode == 0
    assert done.stdout.startswith(f"good: {tmp_path}/farm.toml\n\n[server]\nhost = ")
    assert "\nmax_clients = 7\n" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["farm.toml"]


def test_without_a_settings_file_the_defaults_are_shown(tmp_path, capsys):
    assert main(["check-config", "--data", str(tmp_path / "none")]) == 0
    assert capsys.readouterr().out.startswith(
        f"good: there is no {tmp_path}/none/farm.toml, so these are the"
    )
    assert not (tmp_path / "none").exists()


def test_wrong_settings_are_told_on_the_error_stream_with_exit_code_2(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FARM_LOG__LEVEL", "loud")
    file = tmp_path / "mine.toml"
    file.write_text("[server]\nprot = 1\n")
    for command in ("check-config", "serve"):
        assert main([command, "--config", str(file), "--data", str(tmp_path / "data")]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.splitlines() == [
            f"{file}, line 2: [server] prot is not a setting; did you mean port?",
            'FARM_LOG__LEVEL: [log] level is "loud"; it must be one of debug, info, warning, error.',
        ]
    monkeypatch.delenv("FARM_LOG__LEVEL")
    assert main(["check-config", "--config", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"There is no settings file {tmp_path}/none.\n"


def test_a_wrong_port_on_the_command_line_is_told_like_a_wrong_setting(tmp_path, capsys):
    assert main(["serve", "--port", "http", "--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        '--port: [server] port is "http"; it must be a whole number from 0 to 65535.\n'
    )


@pytest.fixture
def raising(monkeypatch):
    """Lets the command `version` end with an error."""

    def raising(error):
        def run(chosen):
            raise error

        monkeypatch.setattr("farm.commands.version.run", run)
        return main(["version"])

    return raising


def test_exit_codes_tell_failure_from_wrong_settings(raising, capsys):
    assert raising(Refused("Not now.")) == 1
    assert raising(SettingsError("Not so.")) == 2
    assert (
        raising(ExceptionGroup("out of a nursery", [Refused("One."), ExceptionGroup("", [Refused("Two.")])]))
        == 1
    )
    assert capsys.readouterr().err == "Not now.\nNot so.\nOne.\nTwo.\n"


def test_ctrl_c_ends_quietly(raising, capsys):
    assert raising(KeyboardInterrupt()) == 130
    assert raising(BaseExceptionGroup("out of a nursery", [KeyboardInterrupt(), ValueError("torn")])) == 130
    assert capsys.readouterr().err == ""


def test_a_fault_of_ours_shows_its_traceback_without_secrets_and_a_sentence(raising, capsys):
    assert raising(ValueError("X-Api-Key: canary")) == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback (most recent call last):\n")
    assert "canary" not in err
    assert err.endswith("\nThis is a fault of the farm's. Please report it with the lines above.\n")


def test_a_command_stopped_at_its_question_says_nothing_more(tmp_path):
    """Ctrl-C at the real password question, on a real terminal."""
    pty = pytest.importorskip("pty")
    here, there = pty.openpty()
    command = subprocess.Popen(
        [*FARM, "user", "add", "anna", "--data", str(tmp_path / "data")],
        stdin=there,
        stdout=there,
        stderr=there,
        env=ENVIRONMENT,
        start_new_session=True,  # getpass finds no other terminal, and uses this one
    )
    os.close(there)
    seen = b""
    while b"Password for anna: " not in seen:
        seen += os.read(here, 1024)
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=30) == 130
    rest = _rest_of(here)
    assert b"Traceback" not in rest
    assert not (tmp_path / "data").exists()


def _rest_of(terminal):
    text = b""
    try:
        while part := os.read(terminal, 1024):
            text += part
    except OSError:  # Linux: the other side is closed
        pass
    os.close(terminal)
    return text


def test_a_password_typed_at_a_terminal_is_not_echoed_and_nothing_is_open_to_others(tmp_path):
    pty = pytest.importorskip("pty")
    here, there = pty.openpty()
    command = subprocess.Popen(
        [*FARM, "user", "add", "anna", "--data", str(tmp_path / "data")],
        stdin=there,
        stdout=there,
        stderr=there,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    os.close(there)
    for question in (b"Password for anna: ", b"The same again: "):
        seen = b""
        while question not in seen:
            seen += os.read(here, 1024)
        os.write(here, b"three or four words\n")
    rest = _rest_of(here)
    assert command.wait(timeout=30) == 0
    assert b"anna may log in now, as operator." in rest
    assert b"four words" not in rest
    modes = {path.name: oct(path.stat().st_mode & 0o077) for path in (tmp_path / "data").iterdir()}
    assert set(modes.values()) == {"0o0"}, modes


def test_a_reader_that_has_seen_enough_is_no_fault(tmp_path):
    """`farm check-config | head -0`"""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*FARM, "check-config", "--data", str(tmp_path)],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
        timeout=60,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_names_a_console_cannot_show_do_not_end_a_command(tmp_path):
    done = subprocess.run(
        [*FARM, "check-config", "--data", str(tmp_path / "Jörg")],
        capture_output=True,
        env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"},
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"J\\xf6rg/farm.toml" in done.stdout
