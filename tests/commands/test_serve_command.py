"""`farm serve` as a person starts it, the commands beside it, and its end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from farm.data_folder import DataFolder

CHECKOUT = Path(__file__).resolve().parents[2]
FARM = [sys.executable, "-P", "-m", "farm"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT), "FARM_FILES__MIN_FREE_MB": "0"}


@pytest.fixture
def served(tmp_path):
    """A server in a fresh data folder, its URL and its set-up line."""
    command = [*FARM, "serve", "--data", str(tmp_path / "data"), "--port", "0"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=ENVIRONMENT) as process,
    ):
        try:
            listening = process.stdout.readline()
            assert listening.startswith("Listening on http://127.0.0.1:"), (tmp_path / "log").read_text()
            process.url = listening.split()[-1]
            process.setup = process.stdout.readline()
            yield process
        finally:
            process.kill()


def farm(tmp_path, *words, **options):
    return subprocess.run(
        [*FARM, *words, "--data", str(tmp_path / "data")],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
        **options,
    )


@pytest.mark.skipif(os.name != "posix", reason="ends the server with SIGTERM")
def test_a_server_is_started_used_by_commands_and_stopped(served, tmp_path):
    folder = DataFolder(tmp_path / "data")
    code = folder.setup_code.read_text().strip()
    assert served.setup == f"Set up: {served.url}/setup#code={code}\n"

    added = farm(
        tmp_path, "user", "add", "anna", "--role", "admin", "--password-stdin", input="three or four words\n"
    )
    assert (added.returncode, added.stdout, added.stderr) == (0, "anna may log in now, as admin.\n", "")
    login = {"username": "anna", "password": "three or four words"}
    assert httpx.post(f"{served.url}/v1/auth/login", json=login).status_code == 200
    assert not folder.setup_code.exists()

    second = farm(tmp_path, "serve")
    assert (second.returncode, second.stdout) == (1, "")
    assert f"is in use (the server at {served.url})" in second.stderr

    access = folder.local_access()
    served.send_signal(signal.SIGTERM)
    assert served.wait(timeout=10) == 0
    assert folder.local_access() is None
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    for secret in (access.token, code, "three or four words"):
        assert secret not in log

    listed = farm(tmp_path, "user", "list")  # now by itself
    assert "anna  admin  yes" in listed.stdout


def test_an_address_that_is_taken_is_one_sentence_and_touches_no_data(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = farm(tmp_path, "serve", "--port", str(port))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"cannot listen on 127.0.0.1:{port} ")
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "data" / "farm.db").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that even root cannot write")
def test_a_data_folder_that_cannot_be_written_is_one_sentence():
    refused = subprocess.run(
        [*FARM, "serve", "--data", "/proc/farm/data"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
    )

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("The data folder /proc/farm/data cannot be used: ")
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "web"], "--port: [server] port is "),
        (["--host", "http://farm"], "--host: [server] host is "),
        (["--config", "none.toml"], "There is no settings file none.toml."),
    ],
)
def test_settings_that_make_no_sense_are_one_sentence(tmp_path, words, sentence):
    refused = farm(tmp_path, "serve", *words)

    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(sentence)
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()
