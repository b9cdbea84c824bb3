"""The data folder: where it is, what lies in it, and who may use it at the moment."""

from __future__ import annotations

import contextlib
import json
import secrets
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from farm.errors import Refused, SettingsError
from farm.platform import make_private_folder, write_private

NAME = "printer-farm"

_CHECKOUT = Path(__file__).resolve().parents[1]


class InUse(Refused):
    """Another farm server, or a command, is using the data folder."""


@dataclass(frozen=True, slots=True)
class LocalAccess:
    """How a command on the shop PC reaches the running server.

    url: as "http://127.0.0.1:8080". token: sent as a Bearer; whoever can read it may do everything.
    """

    url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The farm's files. Only who holds `lock` may open the databases."""

    path: Path

    @property
    def settings(self) -> Path:
        return self.path / "farm.toml"

    @property
    def farm_db(self) -> Path:
        return self.path / "farm.db"

    @property
    def telemetry_db(self) -> Path:
        return self.path / "telemetry.db"

    @property
    def files(self) -> Path:
        """What was uploaded."""
        return self.path / "files"

    @property
    def ejections(self) -> Path:
        """What pushes prints off, on its way to the printers; it can be thrown away."""
        return self.path / "ejections"

    @property
    def workers(self) -> Path:
        """What worker processes keep, such as compiled code; it can be thrown away."""
        return self.path / "workers"

    @property
    def backups(self) -> Path:
        return self.path / "backups"

    @property
    def setup_code(self) -> Path:
        """There until the first administrator is made."""
        return self.path / "setup-code"

    @property
    def token_keys(self) -> Path:
        """What access tokens are signed with."""
        return self.path / "token-keys.json"

    @property
    def secret_key(self) -> Path:
        """What the printers' API keys are sealed with; kept out of every backup."""
        return self.path / "secret-key"

    @property
    def demo(self) -> DataFolder:
        """The demo's own folder."""
        return DataFolder(self.path / "demo")

    @property
    def demo_mark(self) -> Path:
        """There in a folder that belongs to the demo, which makes it anew at each start."""
        return self.path / "made-by-demo"

    @property
    def local_token(self) -> Path:
        """There while a server runs."""
        return self.path / "local-token"

    def make(self) -> None:
        """Make the folder where it is missing, closed to other accounts.

        Raises SettingsError where a file is in its place, Refused when it cannot be made.
        """
        try:
            make_private_folder(self.path)
        except FileExistsError:
            raise SettingsError(f"{self.path} is a file; name a folder with --data.") from None
        except OSError as problem:
            raise self._unusable(problem) from problem

    @contextlib.contextmanager
    def lock(self, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the folder, made where it is missing, for this process alone.

        wait_s: how long to wait for a command that is about to end; blocks the thread. The system
        takes the lock back when the process ends, however it ends.
        Raises InUse while another process holds it, Refused when the folder cannot be written.
        """
        import filelock  # 0.1 s; not every command needs it

        self.make()
        held = filelock.FileLock(self.path / "lock", mode=0o600)
        try:
            held.acquire(timeout=wait_s)
        except filelock.Timeout:
            raise self._in_use() from None
        except OSError as problem:
            raise self._unusable(problem) from problem
        try:
            self.local_token.unlink(missing_ok=True)  # a killed server's: nobody listens there now
            yield
        finally:
            held.release()

    @contextlib.contextmanager
    def announced(self, access: LocalAccess) -> Iterator[None]:
        """Let commands find the server that answers at `access`, until the end of the block."""
        text = json.dumps({"url": access.url, "token": access.token})
        write_private(self.local_token, text.encode())
        try:
            yield
        finally:
            self.local_token.unlink(missing_ok=True)

    def local_access(self) -> LocalAccess | None:
        """How to reach the server that holds the folder; None while it does not answer (yet)."""
        try:
            found = json.loads(self.local_token.read_bytes())
            return LocalAccess(str(found["url"]), str(found["token"]))
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise SettingsError(
                f"{self.local_token} cannot be read ({problem.strerror}); run this command as the"
                " account the server runs as."
            ) from problem
        except (ValueError, KeyError, TypeError):
            return None

    def _in_use(self) -> InUse:
        try:
            access = self.local_access()
        except SettingsError:
            access = None
        where = f" (the server at {access.url})" if access else ""
        return InUse(
            f"The data folder {self.path} is in use{where}. Stop the other farm first, or name another"
            " folder with --data."
        )

    def _unusable(self, problem: OSError) -> Refused:
        return Refused(
            f"The data folder {self.path} cannot be used: {problem.strerror}. Make it writable for this"
            " account, or name another with --data."
        )


def default_folder(checkout: Path = _CHECKOUT) -> Path:
    """`data` in a checkout, else the place where this system keeps a user's data."""
    if _is_checkout(checkout):
        return checkout / "data"
    import platformdirs

    return platformdirs.user_data_path(NAME, appauthor=False)


def _is_checkout(folder: Path) -> bool:
    """Whether our own project file lies there: beside an installed package there may be any other."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(project.get("project", {}).get("name") == NAME)


def new_local_token() -> str:
    """A fresh token for `LocalAccess`; of the shape that logs mask."""
    return f"farm_local_{secrets.token_urlsafe(32)}"


def local_url(host: str, port: int) -> str:
    """Where a command on this PC reaches a server that listens on `host`."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host)  # noqa: S104 - compared, not bound
    return f"http://{reachable or (f'[{host}]' if ':' in host else host)}:{port}"
