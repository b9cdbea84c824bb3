"""How a command gets at the farm: through the running server, or by itself."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from farm.commands.output import Row
from farm.errors import NotFound, Refused

if TYPE_CHECKING:
    from farm.commands.running import RunningFarm
    from farm.data_folder import DataFolder, LocalAccess
    from farm.domain.printer import Address, Printer
    from farm.domain.user import Role, Scope

STARTING_S = 5.0  # a server that was started a moment ago, or is about to end, gets this long
LOOK_EVERY_S = 0.1


class Reach(Protocol):
    """What a command on the shop PC does with and without a server. Rows are as the HTTP API shows them.

    Users are named by their user name here. Every method raises FarmError.
    """

    def add_user(self, username: str, password: str, role: Role) -> Row: ...

    def list_users(self) -> list[Row]: ...

    def disable_user(self, username: str) -> Row: ...

    def reset_password(self, username: str, password: str) -> Row: ...

    def add_key(
        self,
        name: str,
        scopes: Sequence[Scope],
        printers: Sequence[str] | None,
        tags: Sequence[str] | None,
        target: str | None,
        expires_at: datetime | None,
    ) -> Row:
        """The row has the key itself under "key"."""
        ...

    def list_keys(self) -> list[Row]: ...

    def revoke_key(self, id: str) -> Row: ...

    def probe_printer(self, address: Address) -> Row | None:
        """Who answers there; None when no server runs that could look."""
        ...

    def add_printer(self, printer: Printer) -> Row: ...

    def list_printers(self) -> list[Row]: ...

    def list_jobs(self, state: str | None) -> list[Row]: ...


@contextlib.contextmanager
def farm_in(folder: DataFolder, *, may_be_new: bool = False) -> Iterator[Reach]:
    """The farm whose data folder this is: its server where one runs, else the database, locked.

    may_be_new: the command may also be the first to use the folder.
    Raises NotFound where there is no farm, Refused while the server is between start and stop.
    """
    if not may_be_new and not folder.farm_db.exists():
        raise NotFound(
            f"There is no farm in {folder.path} yet; start it once, or name its folder with --data."
        )
    with contextlib.ExitStack() as stack:
        access = _locked_or_running(folder, stack)
        if access is None:
            from farm import logs
            from farm.commands.stopped import StoppedFarm

            logs.set_up("warning")  # what the database notices belongs on the error stream
            yield StoppedFarm(folder)
        else:
            from farm.commands.running import RunningFarm

            yield stack.enter_context(RunningFarm(access))


@contextlib.contextmanager
def server_in(folder: DataFolder) -> Iterator[RunningFarm]:
    """The server of this data folder, for what nothing but a running farm can do.

    Raises what `farm_in` does, and Refused when no server runs.
    """
    from farm.commands.running import RunningFarm

    with farm_in(folder) as farm:
        if not isinstance(farm, RunningFarm):
            raise Refused("This takes a running farm: start it with `farm serve`, then try again.")
        yield farm


def _locked_or_running(folder: DataFolder, stack: contextlib.ExitStack) -> LocalAccess | None:
    """Take the lock (None), or find the server that has it."""
    from farm.data_folder import InUse

    give_up_at = time.monotonic() + STARTING_S
    while True:
        try:
            stack.enter_context(folder.lock())
        except InUse:
            access = folder.local_access()
        else:
            return None
        if access is not None:
            return access
        if time.monotonic() > give_up_at:
            raise Refused(
                f"The farm in {folder.path} is starting or stopping, or another command is at work in"
                " it; try again in a moment."
            )
        time.sleep(LOOK_EVERY_S)
