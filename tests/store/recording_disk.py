"""A disk that remembers every write and every sync, so that a power cut at any moment can be replayed.

SQLite writes through it by way of apsw, whose connections are dressed here as those of `sqlite3`.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import apsw

SECTOR = 512  # bytes; what a disk writes whole or not at all


class RecordingDisk(apsw.VFS):
    """A SQLite VFS that passes everything on and keeps a log of it.

    log: ("write", file, offset, data), ("truncate", file, size), ("sync", file), ("delete", file), and
    whatever the test notes between them. No shared memory, so its one connection locks the file for itself.
    """

    def __init__(self, name):
        self.name = name
        self.log = []
        super().__init__(name, "")

    def xOpen(self, name, flags):
        return _File(self.log, name, flags)

    def xDelete(self, name, sync_folder):
        super().xDelete(name, sync_folder)
        self.log.append(("delete", Path(name).name))

    def dial(self, path):
        """What `Database(dial=...)` wants."""
        connection = _Connection(apsw.Connection(str(path), vfs=self.name))
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA wal_autocheckpoint = 20")  # so that cuts fall into checkpoints too
        return connection


class _File(apsw.VFSFile):
    def __init__(self, log, name, flags):
        self._log = log
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name).name
        super().__init__("", name, flags)

    def xWrite(self, data, offset):
        super().xWrite(data, offset)
        self._log.append(("write", self._name, offset, bytes(data)))

    def xTruncate(self, size):
        super().xTruncate(size)
        self._log.append(("truncate", self._name, size))

    def xSync(self, flags):
        self._log.append(("sync", self._name))


class _Connection:
    """As much of `sqlite3.Connection` as the farm uses."""

    def __init__(self, connection):
        self._connection = connection

    @property
    def in_transaction(self):
        return self._connection.in_transaction

    def execute(self, sql, parameters=()):
        return _Cursor(self._connection, sql, parameters)

    def close(self):
        self._connection.close()


class _Cursor:
    """A statement run to its end, with its rows."""

    def __init__(self, connection, sql, parameters):
        self.description = None
        cursor = connection.cursor()
        cursor.exec_trace = self._describe
        try:
            rows = cursor.execute(sql, parameters).fetchall()
        except apsw.Error as error:
            plain = sqlite3.OperationalError(str(error))
            plain.sqlite_errorcode = error.extendedresult
            raise plain from error
        names = [column[0] for column in self.description or ()]
        self._rows = iter([_Row(names, row) for row in rows])
        self.rowcount = connection.changes()
        self.lastrowid = connection.last_insert_rowid()

    def _describe(self, cursor, sql, bindings):
        self.description = cursor.get_description()
        return True

    def __iter__(self):
        return self._rows

    def fetchone(self):
        return next(self._rows, None)

    def fetchall(self):
        return list(self._rows)


class _Row(tuple):
    """A row that can be asked by column name too."""

    def __new__(cls, names, values):
        row = super().__new__(cls, values)
        row.names = names
        return row

    def __getitem__(self, key):
        return super().__getitem__(self.names.index(key) if isinstance(key, str) else key)


class Platter:
    """What of the log is certainly on the disk, and what only maybe."""

    def __init__(self):
        self._certain = {}  # file -> its bytes
        self._pending = {}  # file -> writes since its last sync, in order

    def happen(self, entry):
        """Advance by one entry of the log."""
        kind, file, *rest = entry
        if kind in ("write", "truncate"):
            self._pending.setdefault(file, []).append((kind, *rest))
        elif kind == "sync":
            content = self._certain.setdefault(file, bytearray())
            for write in self._pending.pop(file, ()):
                _apply(content, write)
        elif kind == "delete":
            self._certain.pop(file, None)
            self._pending.pop(file, None)

    def cut(self, chance):
        """The power goes: file -> bytes. Each write that was not synced survives with chance 1/2."""
        left = {file: bytearray(content) for file, content in self._certain.items()}
        for file, writes in self._pending.items():
            for write in writes:
                if chance.random() < 0.5:
                    for part in _torn(write, chance):
                        _apply(left.setdefault(file, bytearray()), part)
        return left


def _torn(write, chance):
    """The write whole, or one time in four only some of its sectors."""
    kind, offset, *data = write
    if kind == "truncate" or chance.random() < 0.75:
        return [write]
    pieces = [(offset + at, data[0][at : at + SECTOR]) for at in range(0, len(data[0]), SECTOR)]
    return [("write", *piece) for piece in pieces if chance.random() < 0.5]


def _apply(content, write):
    kind, at, *data = write
    if kind == "truncate":
        del content[at:]
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at : at + len(data[0])] = data[0]
