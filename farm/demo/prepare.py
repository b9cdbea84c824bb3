"""Makes the demo's data folder anew: nothing in it but a shop that is ready to begin."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass, field

from farm.access.gate import Gate
from farm.access.passwords import Hasher
from farm.access.secrets import Seal
from farm.access.tokens import TokenKeys
from farm.data_folder import DataFolder
from farm.demo.shop import COSTS, PRINTERS
from farm.domain.clock import real_clock
from farm.domain.printer import Plate
from farm.domain.settings import Settings
from farm.domain.user import LOCAL, Role, Scope
from farm.errors import Refused
from farm.printers import records
from farm.store import printers
from farm.store.audit import Stamp
from farm.store.connection import FARM
from farm.store.database import Database
from farm.store.printers import PlateRow
from farm.store.shop import keep_settings

USER = "demo"

_MADE_BY_A_FARM = (
    *("farm.db*", "telemetry.db*", "files", "backups"),
    *("setup-code", "token-keys.json", "secret-key", "local-token"),
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """password: of the administrator `demo`. operator, customers: API keys of the simulated people."""

    password: str = field(repr=False)
    operator: str = field(repr=False)
    customers: str = field(repr=False)


def empty(folder: DataFolder) -> None:
    """Take out what an earlier demo left. The caller holds the folder's lock.

    Raises Refused, with nothing touched, when what lies there was not made by a demo.
    """
    if folder.farm_db.exists() and not folder.demo_mark.exists():
        raise Refused(
            f"{folder.path} holds a farm that is no demo. Move it away, or name another folder with --data."
        )
    folder.demo_mark.write_text(
        "A demo. `farm serve --demo` makes everything here anew each time.\n", "utf-8"
    )
    for pattern in _MADE_BY_A_FARM:
        for path in folder.path.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


async def furnish(folder: DataFolder) -> Credentials:
    """Make the database of an empty folder: the administrator, the keys, the printers with clear plates."""
    database = Database(folder.farm_db, FARM, backups=folder.backups)
    async with database.running():
        now = real_clock()
        keys = TokenKeys.load(folder.token_keys, now, secrets.token_urlsafe)
        gate = Gate(database, folder.path, keys, Hasher())
        password = secrets.token_urlsafe(12)
        await gate.add_user(LOCAL, USER, password, Role.ADMIN)
        _, operator = await gate.create_key(LOCAL, "simulated operator", [Scope.READ, Scope.CONTROL])
        _, customers = await gate.create_key(
            LOCAL, "simulated customers", [Scope.READ, Scope.UPLOAD, Scope.QUEUE]
        )
        no_key = Seal.load(folder.secret_key, first_run=True).seal("")
        for printer in PRINTERS:
            await database.write(records.add_printer, printer, no_key, Stamp.of(LOCAL, now))
            clear = PlateRow(Plate.CLEAR)
            await database.write(printers.set_plate, printer.id, clear, now, str(LOCAL), "the demo begins")
        await database.write(keep_settings, Settings(costs=COSTS), Stamp.of(LOCAL, now))
    return Credentials(password, operator, customers)
