"""Printers' API keys at rest: sealed with a key that lies outside the database and its backups."""

from __future__ import annotations

import hmac
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from farm.errors import SettingsError
from farm.platform import write_private


class Seal:
    """Seals and opens short secrets. A stolen database or backup without the key file is useless."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Raises ValueError for a key of the wrong shape."""
        self._path = path
        self._fernet = Fernet(key)
        self._marking = hmac.digest(key, b"marks", "sha256")  # a key for one use only

    @classmethod
    def load(cls, path: Path, *, first_run: bool) -> Seal:
        """The seal whose key lies in `path`; only a first run, with nothing sealed yet, may make one.

        Raises SettingsError when the file is missing later on, unreadable or damaged.
        """
        try:
            if first_run and not path.exists():
                write_private(path, Fernet.generate_key())
            return cls(path, path.read_bytes().strip())
        except FileNotFoundError as problem:
            raise SettingsError(
                f"{path} is missing: the printers' API keys are sealed with it. Put it back from where you "
                "keep it; if it is lost, remove the printers and add them again with their keys."
            ) from problem
        except OSError as problem:
            raise SettingsError(f"{path} cannot be used: {problem.strerror}.") from problem
        except ValueError as problem:
            raise SettingsError(f"{path} is damaged; put the original back.") from problem

    def seal(self, secret: str) -> bytes:
        """The secret as the database may keep it."""
        return self._fernet.encrypt(secret.encode())

    def mark(self, text: bytes) -> bytes:
        """A digest of `text` by which nobody without the key file can try out what it may have been."""
        return hmac.digest(self._marking, text, "sha256")

    def open(self, sealed: bytes) -> str:
        """The secret again. Raises SettingsError when another key, or a hand, was at it."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as problem:
            raise SettingsError(
                f"A printer's API key was not sealed with {self._path}; put the original file back, or "
                "enter the printer's key again."
            ) from problem
