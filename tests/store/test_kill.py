"""The process is killed at any moment: what it acknowledged is there, and the file is sound."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import closing

import pytest

from farm.store import events
from farm.store.connection import dial

KILLS = int(200 * float(os.environ.get("FARM_TEST_SCALE", "0.1")))

# Imports once, then forks a writer for every line it is sent. A writer says each acknowledged fact; when
# it is gone its parent says so.
_WRITERS = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
import structlog, trio
from farm.store import events
from farm.store.connection import FARM, dial
from farm.store.database import Database

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

def say(text):
    os.write(1, (text + "\\n").encode())  # whole lines, at once

def often_checkpointing(path):
    connection = dial(path)
    connection.execute("PRAGMA wal_autocheckpoint = 30")
    return connection

def note(db, who):
    seq = events.record(db, "job.noted", ["queue"], NOON, {"who": who, "long": "x" * 300})
    db.execute("INSERT OR REPLACE INTO farm (key, value) VALUES ('newest', ?)", (str(seq),))
    return seq

async def write_for_ever(database, who):
    while True:
        say(f"kept {await database.write(note, who)}")

async def main():
    database = Database(Path(sys.argv[1]), FARM, dial=often_checkpointing)
    async with database.running(), trio.open_nursery() as nursery:
        for who in range(4):
            nursery.start_soon(write_for_ever, database, who)

for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            trio.run(main)
        finally:
            os._exit(1)
    say(f"writer {child}")
    os.waitpid(child, 0)
    say("gone")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its writers, which this system cannot")
def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path):
    path = tmp_path / "farm.db"
    chance, acknowledged = random.Random(11), 0
    command = [sys.executable, "-c", _WRITERS, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as writers:
        for _ in range(KILLS):
            acknowledged = max(acknowledged, acknowledged_before_kill(writers, chance))
            with closing(dial(path)) as db:
                assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
                if acknowledged:
                    facts = events.since(db, 0)
                    assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
                    assert len(facts) >= acknowledged
                    newest = db.execute("SELECT value FROM farm WHERE key = 'newest'").fetchone()
                    assert newest[0] == str(len(facts))  # the other half of the same transaction
        writers.stdin.close()
    assert writers.returncode == 0
    assert acknowledged > KILLS * 10  # it was killed at work


def acknowledged_before_kill(writers, chance):
    """Let one writer work for a moment and kill it. Returns the newest fact it acknowledged."""
    writers.stdin.write("go\n")
    writers.stdin.flush()
    writer, newest = 0, 0
    patience = chance.randrange(60)  # 0: while it opens the file
    for line in writers.stdout:
        word, *number = line.split()
        if word == "gone":
            return newest
        if word == "writer":
            writer = int(number[0])
        else:
            newest = max(newest, int(number[0]))
            patience -= 1
        if writer and patience <= 0:
            time.sleep(chance.random() * 0.01)
            os.kill(writer, signal.SIGKILL)
            writer, patience = 0, 1_000_000
    raise AssertionError("the writers ended by themselves")
