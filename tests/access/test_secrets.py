from __future__ import annotations

import stat
import sys

import pytest

from farm.access.secrets import Seal
from farm.errors import SettingsError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "secret-key"


def test_secret_comes_out_as_it_went_in_and_does_not_show_meanwhile(path):
    seal = Seal.load(path, first_run=True)
    sealed = seal.seal("Schlüssel-123")

    assert b"123" not in sealed
    assert sealed != seal.seal("Schlüssel-123")
    assert seal.open(sealed) == "Schlüssel-123"


def test_secret_opens_after_a_restart_with_the_same_private_file(path):
    sealed = Seal.load(path, first_run=True).seal("key")

    assert Seal.load(path, first_run=False).open(sealed) == "key"
    assert Seal.load(path, first_run=True).open(sealed) == "key"
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_missing_key_file_is_refused_rather_than_made_anew(path):
    with pytest.raises(SettingsError, match=r"secret-key is missing.*add them again"):
        Seal.load(path, first_run=False)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"not a key", b"\xff" * 44, b"A" * 20])
def test_damaged_key_file_is_refused(path, content):
    path.write_bytes(content)

    with pytest.raises(SettingsError, match="damaged"):
        Seal.load(path, first_run=False)


def test_unusable_key_file_is_refused(path):
    path.mkdir()

    with pytest.raises(SettingsError, match="cannot be used"):
        Seal.load(path, first_run=False)


def test_secret_sealed_with_another_file_says_so(tmp_path):
    sealed = Seal.load(tmp_path / "one", first_run=True).seal("key")
    other = Seal.load(tmp_path / "two", first_run=True)

    for foreign in (sealed, sealed[:-1], b"", b"key"):
        with pytest.raises(SettingsError, match="enter the printer's key again"):
            other.open(foreign)
