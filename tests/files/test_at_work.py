"""Files read by real worker processes: what is found, and that whatever is in them harms nobody."""

from __future__ import annotations

import hashlib
import random
import struct
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import trio

from farm.actors import Address, ChildSpec, Mailbox, Supervisor
from farm.actors.supervisor import Runtime
from farm.domain.clock import new_id
from farm.domain.file import FileState, StoredFile, kind_of
from farm.files.actor import Files
from farm.files.analyser import ProcessAnalyser, limits_of
from farm.files.messages import FileAdded
from farm.files.parts import FilesParts
from farm.store import files
from farm.workers.surroundings import Surroundings
from farm.workers.wire import Limits

DATA = Path(__file__).parents[1] / "data"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANCE = random.Random(5)
MB = 1_000_000
USUAL = limits_of(1024, 60)
COMPILED_WITHIN_S = 240  # what the first worker of all compiles takes a while
CHIP = (DATA / "gcode" / "chip6_fast.gcode").read_bytes()
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to these limits")


def test_server_does_without_what_the_workers_need():
    """They cost a server seconds and a hundred megabytes, and they read what strangers send."""
    heavy = "numba", "llvmlite", "trimesh", "PIL", "lxml", "scipy", "heatshrink2", "pandas"
    program = f"import sys, farm.app; print(sorted(set({heavy}) & set(sys.modules)))"

    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


@asynccontextmanager
async def reading(database, storage, folder, *, workers=1, limits=USUAL, module=""):
    """The whole of the files' actors at work, with real processes."""

    def analyser(**options):
        return ProcessAnalyser(storage, Surroundings(folder), limits, module=module, **options)

    events, queue = Mailbox("events", size=10_000), Mailbox("queue", size=10_000)
    runtime = Runtime(chance=random.Random(1))
    parts = FilesParts(
        runtime,
        database,
        storage,
        events=lambda: Address(events),
        queue=lambda: Address(queue),
        analyser=analyser,
        glancer=analyser,
        workers=workers,
        clock=lambda: NOON,
    )
    supervisor = Supervisor(runtime)
    async with supervisor.running():
        yield await supervisor.start(ChildSpec(name="files", run=Files(parts).run, mailbox_size=4))


async def uploaded(database, storage, name, data, number=0):
    async with storage.upload(limit=100 * MB) as upload:
        await upload.write(data)
        content = await upload.keep()
        id, at = new_id(CHANCE), NOON + timedelta(seconds=number)
        file = StoredFile(id, name, kind_of(name), content.size, content.sha256, "test", at)
        return (await database.write(files.add, file))[0]


async def analysed(database, file, within_s=COMPILED_WITHIN_S):
    with trio.fail_after(within_s):
        while True:
            analysis = (await database.read(files.by_id, file.id)).analysis
            if analysis.state in (FileState.READY, FileState.FAILED):
                return analysis
            await trio.sleep(0.02)


async def drawn(database, file):
    """Wait until there is a picture of ours, which comes a moment after what is said of a file."""
    with trio.fail_after(COMPILED_WITHIN_S):
        while True:
            if (await analysed(database, file)).result.thumbnails:
                return
            await trio.sleep(0.02)


def tree(folder):
    """Every file below a folder, by what is in it."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_files_of_every_kind_are_read_with_their_pictures_and_nothing_is_written_elsewhere(
    database, storage, tmp_path
):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"precious")
    before = tree(outside)
    sent = {
        "calib.gcode": DATA / "gcode" / "ps292gui_calib20_thumbs.gcode",
        "calib.bgcode": DATA / "gcode" / "ps292gui_calib20_thumbs.bgcode",
        "drawn.gcode": DATA / "gcode" / "ps25_cube20_marlin2_rel.gcode",
        "cube.gcode.3mf": DATA / "gcode" / "made_cube20.gcode.3mf",
        "cube.ufp": DATA / "gcode" / "made_cube20.ufp",
        "gear.stl": DATA / "models" / "gear24.stl",
        "cube.obj": DATA / "models" / "cube20.obj",
        "parts.3mf": DATA / "models" / "two_parts.3mf",
    }
    kept = [
        await uploaded(database, storage, name, path.read_bytes(), number)
        for number, (name, path) in enumerate(sent.items())
    ]
    async with reading(database, storage, tmp_path / "workers"):
        found = {file.name: await analysed(database, file) for file in kept}
        await drawn(database, next(file for file in kept if file.name == "drawn.gcode"))

    assert {name: analysis.reason for name, analysis in found.items()} == dict.fromkeys(sent)
    assert {name: analysis.result.kind for name, analysis in found.items()} == {
        name: kind_of(name) for name in sent
    }
    assert found["calib.gcode"].result.time_s.slicer == found["calib.bgcode"].result.time_s.slicer == 1691
    widths = {"calib.gcode": 220, "calib.bgcode": 220, "gear.stl": 400, "parts.3mf": 400, "drawn.gcode": 400}
    for name, widest in widths.items():
        (file,) = [file for file in kept if file.name == name]
        picture = await storage.picture(file.sha256, None)
        assert struct.unpack(">I", picture[16:20]) == (widest,)
        assert struct.unpack(">I", (await storage.picture(file.sha256, 64))[16:20]) == (64,)
    assert tree(outside) == before
    written = {path.parts[0] for path in (Path(name) for name in tree(tmp_path))}
    assert written <= {"outside", "workers", "files", "farm.db", "farm.db-wal", "farm.db-shm"}


@LINUX
async def test_fifty_files_with_mines_among_them_are_all_accounted_for(database, storage, tmp_path, logged):
    mines = {
        3: (b"; die\n", "died over it, twice"),
        11: (b"; hang\n", "not done in time, twice"),
        19: (b"; eat\n", "more memory than one file may have"),
        35: (b"; babble\n", "cannot read this file"),
        43: (b"; die\n; another\n", "died over it, twice"),
    }
    limits = Limits(memory=400 * MB, processor_s=20, wall_s=4, answer=MB)
    kept = []
    for number in range(50):
        mine, _ = mines.get(number, (b"; part %d\n" % number + CHIP, ""))
        kept.append(await uploaded(database, storage, f"{number}.gcode", mine, number))
    server = psutil.Process()
    before, others = server.memory_info().rss, set(server.children())  # print hosts of other tests

    async with reading(
        database, storage, tmp_path / "workers", workers=2, limits=limits, module="tests.files.mined"
    ):
        found = [await analysed(database, file) for file in kept]

    for number, analysis in enumerate(found):
        if number in mines:
            assert analysis.state is FileState.FAILED
            assert mines[number][1] in analysis.reason
        else:
            assert (analysis.state, analysis.reason) == (FileState.READY, None)
    assert server.memory_info().rss - before < 20 * MB
    left = set(server.children()) - others
    assert not [child for child in left if child.status() != psutil.STATUS_ZOMBIE]


async def test_file_that_comes_later_is_read_by_the_process_that_is_warm(database, storage, tmp_path):
    async with reading(database, storage, tmp_path / "workers") as actor:
        await drawn(database, await uploaded(database, storage, "first.gcode", CHIP))
        children = {child.pid for child in psutil.Process().children()}
        later = await uploaded(database, storage, "later.gcode", b"; later\n" + CHIP)
        actor.tell_nowait(FileAdded())

        assert (await analysed(database, later)).state is FileState.READY
        assert {child.pid for child in psutil.Process().children()} == children
