"""What people say the shop allows and minds: each function is one transaction, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

from farm.domain import constraints, settings
from farm.domain.constraints import Constraints
from farm.domain.settings import Settings
from farm.domain.terms import require_version
from farm.store import printers, shop
from farm.store.audit import Stamp


def set_constraints(db: Connection, wanted: Constraints, stamp: Stamp) -> Constraints:
    """Put these in the place of the shop's. Raises Invalid, Outdated."""
    before = shop.constraints(db)
    require_version(stamp.who.terms, before.version)
    constraints.require_sound(wanted, printers.plates(db).keys())
    if wanted != before:
        shop.keep_constraints(db, wanted, stamp)
    return wanted


def change_settings(db: Connection, changes: Mapping[str, Any], stamp: Stamp) -> Settings:
    """Change what the shop minds. Raises Invalid, Outdated."""
    before = shop.settings(db)
    require_version(stamp.who.terms, before.version)
    after = before.changed(changes)
    settings.require_sound(after)
    if after != before:
        shop.keep_settings(db, after, stamp)
    return after
