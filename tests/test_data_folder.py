"""The data folder: where it is, whose it is, and how commands find the server that uses it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from farm.data_folder import (
    DataFolder,
    InUse,
    LocalAccess,
    default_folder,
    local_url,
    new_local_token,
)
from farm.errors import Refused, SettingsError

CHECKOUT = Path(__file__).resolve().parents[1]

HOLDER = """
import sys, pathlib
from farm.data_folder import DataFolder, LocalAccess
folder = DataFolder(pathlib.Path(sys.argv[1]))
with folder.lock(), folder.announced(LocalAccess("http://127.0.0.1:8123", "farm_local_x")):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    return DataFolder(tmp_path / "data")


@pytest.fixture
def holder(folder):
    """Another process that has the folder's lock, as a server has it, until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder.path)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_checkout_keeps_its_data_in_itself(tmp_path):
    assert default_folder() == CHECKOUT / "data"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "printer-farm"\n')
    assert default_folder(tmp_path) == tmp_path / "data"


@pytest.mark.parametrize("project", [None, '[project]\nname = "other"\n', "not toml", "[tool]\n"])
def test_an_installed_farm_keeps_its_data_with_the_users(tmp_path, monkeypatch, project):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    if project is not None:
        (tmp_path / "pyproject.toml").write_text(project)
    assert default_folder(tmp_path).name == "printer-farm"
    assert tmp_path not in default_folder(tmp_path).parents or sys.platform == "linux"


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
def test_the_folder_and_what_lies_in_it_is_private(folder):
    with folder.lock(), folder.announced(LocalAccess("http://127.0.0.1:1", "secret")):
        assert mode(folder.path) == 0o700
        assert {path.name: mode(path) for path in folder.path.iterdir()} == {
            "lock": 0o600,
            "local-token": 0o600,
        }


def test_a_second_server_is_told_who_is_there_and_what_to_do(folder, holder):
    with pytest.raises(InUse) as caught, folder.lock():
        pass
    assert str(caught.value) == (
        f"The data folder {folder.path} is in use (the server at http://127.0.0.1:8123)."
        " Stop the other farm first, or name another folder with --data."
    )


def test_the_lock_is_free_again_when_its_holder_was_killed_and_its_token_is_gone(folder, holder):
    assert folder.local_access() == LocalAccess("http://127.0.0.1:8123", "farm_local_x")
    holder.kill()
    holder.wait()
    assert folder.local_access() is not None  # nobody could clear up

    with folder.lock():
        assert folder.local_access() is None


def test_the_lock_is_waited_for_as_long_as_asked(folder, holder):
    holder.stdin.close()  # it ends by itself now
    started = time.monotonic()
    with folder.lock(wait_s=10):
        assert time.monotonic() - started < 10
    assert folder.local_access() is None  # a good end clears up


def test_the_token_is_there_as_long_as_the_server_is(folder):
    access = LocalAccess("http://127.0.0.1:8080", new_local_token())
    with folder.lock():
        with folder.announced(access):
            assert folder.local_access() == access
        assert folder.local_access() is None


def test_tokens_differ_and_are_not_shown_by_accident():
    token = new_local_token()
    assert token != new_local_token()
    assert len(token) > 50
    assert token not in repr(LocalAccess("http://127.0.0.1:8080", token))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": "x"}', "3"])
def test_a_token_file_that_makes_no_sense_is_no_server(folder, text):
    folder.make()
    folder.local_token.write_text(text)
    assert folder.local_access() is None


def test_a_file_in_the_folders_place_is_a_sentence(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(SettingsError, match=r"data is a file; name a folder with --data\.$"):
        DataFolder(tmp_path / "data").make()


@pytest.mark.skipif(sys.platform != "linux", reason="needs folders that even root cannot write")
@pytest.mark.parametrize("place", ["/sys", "/proc/farm/data"])
def test_a_folder_that_cannot_be_written_is_a_sentence(place):
    with (
        pytest.raises(Refused, match=rf"The data folder {place} cannot be used: .*--data\.$"),
        DataFolder(Path(place)).lock(),
    ):
        pass


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104
        ("::", "http://[::1]:80"),
        ("fd00::7", "http://[fd00::7]:80"),
        ("192.168.1.5", "http://192.168.1.5:80"),
    ],
)
def test_commands_on_the_same_pc_know_where_to_ask(host, url):
    assert local_url(host, 80) == url
