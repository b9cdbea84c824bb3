"""How the commands ended that people gave to printers and plates."""

from __future__ import annotations

from sqlite3 import Connection

from farm.store.audit import Stamp
from farm.store.events import record


def tell_end(db: Connection, printer: str, command_id: str, name: str, problem: str, stamp: Stamp) -> None:
    """Tell whoever gave a command how it went. problem: "" when it went well."""
    data = {
        "command_id": command_id,
        "printer": printer,
        "command": name,
        "ok": not problem,
        "problem": problem or None,
        "by": str(stamp.who),
    }
    record(db, "printer.commandFinished", ("printers", f"printer:{printer}"), stamp.at, data)
