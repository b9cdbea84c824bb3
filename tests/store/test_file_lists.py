"""Lists of files among a hundred thousand: complete, in order, and read from indices alone."""

from __future__ import annotations

import random
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from farm.domain.analysis import BoundingBox, Box, Filament, GcodeAnalysis, Layers, MeshAnalysis, PrintTime
from farm.domain.clock import new_id
from farm.domain.file import FileAnalysis, FileKind, FileState, Quota, StoredFile
from farm.domain.user import LOCAL
from farm.errors import StorageFull
from farm.store import file_analyses, file_lists, files
from farm.store.audit import Stamp
from farm.store.connection import FARM, dial
from farm.store.file_lists import SORTS, Place, Sort, Wanted
from farm.store.schema import view
from tests.store.many_files import MIDDLE, fill

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANCE = random.Random(3)
MANY = 100_000


def fresh():
    connection = dial(None)
    FARM.migrations.apply(view(connection))
    return closing(connection)


@pytest.fixture
def db():
    with fresh() as connection:
        yield connection


def added(db, name, number=0, *, size=100, by="user:kim", kind=FileKind.GCODE, result=None):
    at = NOON + timedelta(seconds=number)
    file = StoredFile(new_id(CHANCE), name, kind, size, f"{CHANCE.getrandbits(256):064x}", by, at)
    files.add(db, file)
    if result is not None:
        db.execute("UPDATE files SET state = 'processing' WHERE id = ?", (file.id,))
        ready = FileAnalysis(FileState.READY, None, result, 1)
        file_analyses.note_analysis(db, file, ready, at)
    return files.existing(db, file.id)


def sliced(seconds=None, material="PLA", model="MK4", **more):
    used = (Filament(0, 0.0, material="ABS"), Filament(1, 100.0, 1.0, 2.5, material))
    return GcodeAnalysis(time_s=PrintTime(slicer=seconds), filament=used, printer_model=model, **more)


ALL, NEWEST = Wanted(), Sort()


def names(db, wanted=ALL, sort=NEWEST, limit=100):
    """The whole list, read page by page."""
    found, after = [], None
    while page := file_lists.page(db, wanted, sort, after, limit):
        found += [file.name for file, _ in page]
        after = page[-1][1]
    return found


@pytest.fixture
def shelf(db):
    added(db, "Clip left.gcode", 1, size=300, result=sliced(60))
    added(db, "clip RIGHT.gcode", 2, size=200, result=sliced(3600, "PETG"))
    added(db, "Halter gro\u00df.gcode", 3, size=900, result=sliced(60, model="Ender-3"))
    added(db, "bracket.stl", 4, size=100, kind=FileKind.STL, result=MeshAnalysis("stl"))
    added(db, "new.gcode", 5, size=300)
    gone = added(db, "gone clip.gcode", 6, result=sliced(1))
    files.remove(db, gone.id, Stamp(NOON, LOCAL))
    return db


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (
            Wanted(),
            ["new.gcode", "bracket.stl", "Halter gro\u00df.gcode", "clip RIGHT.gcode", "Clip left.gcode"],
        ),
        (Wanted(("CLIP",)), ["clip RIGHT.gcode", "Clip left.gcode"]),
        (Wanted(("gcode", "clip", "lef")), ["Clip left.gcode"]),
        (Wanted(("GROSS",)), ["Halter gro\u00df.gcode"]),
        (Wanted(("%",)), []),
        (Wanted(kind=FileKind.STL), ["bracket.stl"]),
        (Wanted(state=FileState.QUEUED), ["new.gcode"]),
        (Wanted(material="PETG"), ["clip RIGHT.gcode"]),
        (Wanted(material="ABS"), []),
        (Wanted(("clip",), material="PLA", printer_model="MK4"), ["Clip left.gcode"]),
    ],
)
def test_list_is_narrowed(shelf, wanted, found):
    assert names(shelf, wanted) == found


@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("uploaded_at", ["Clip", "clip R", "Halter", "bracket", "new"]),
        ("name", ["bracket", "Clip", "clip R", "Halter", "new"]),
        ("size", ["bracket", "clip R", {"Clip", "new"}, "Halter"]),
        ("time", [{"bracket", "new"}, {"Clip", "Halter"}, "clip R"]),
    ],
)
def test_list_is_sorted_and_its_pages_are_the_whole_of_it(shelf, by, order, falling, limit):
    found = names(shelf, sort=Sort(by, falling), limit=limit)

    assert len(found) == len(set(found)) == 5
    for expected in reversed(order) if falling else order:
        beginnings = {expected} if isinstance(expected, str) else set(expected)
        for name in [found.pop(0) for _ in beginnings]:
            beginnings = {one for one in beginnings if not name.startswith(one)}
        assert not beginnings


def test_what_is_known_of_a_file_stands_in_columns(db):
    box = Box((98.0, 122.5), (98.0, 121.0), (0.0, 20.0))
    known = sliced(60, nozzle_mm=0.4, layers=Layers(100), bounding_box=BoundingBox(printed=box))
    file = added(db, "a.gcode", result=known)

    row = db.execute("SELECT * FROM files WHERE id = ?", (file.id,)).fetchone()

    told = {"time_s": 60, "filament_g": 2.5, "material": "PLA", "printer_model": "MK4", "layers": 100}
    assert {name: row[name] for name in told} == told
    assert [row[f"size_{axis}_mm"] for axis in "xyz"] == [24.5, 23.0, 20.0]
    assert row["nozzle_mm"] == 0.4


# -- many


@pytest.fixture(scope="module")
def many():
    with fresh() as connection:
        fill(connection, MANY)
        yield connection


def steps(db, wanted, sort, after=None):
    """How many steps of its machine SQLite takes for a page: the same on every PC, however busy."""
    query, values = file_lists.page_query(wanted, sort, after, 51)
    taken = 0

    def count():
        nonlocal taken
        taken += 1

    db.set_progress_handler(count, 1000)
    try:
        db.execute(query, values).fetchall()
    finally:
        db.set_progress_handler(None, 0)
    return taken * 1000


def plan(db, wanted, sort, after=None):
    query, values = file_lists.page_query(wanted, sort, after, 51)
    return " ".join(row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", values))


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("by", SORTS)
def test_no_list_is_sorted_when_it_is_asked_for(many, by, falling):
    value = "part 5" if by in ("name", "uploaded_at") else 5.0
    after = Place("2026-01-01T00:0050000Z" if by == "uploaded_at" else value, "8")
    for wanted in (Wanted(), Wanted(("nowhere",), material="PLA")):
        for place in (None, after):
            found = plan(many, wanted, Sort(by, falling), place)
            assert "USING" in found
            assert "INDEX files_by_" in found
            assert "TEMP B-TREE" not in found
            assert place is None or found.startswith("SEARCH")


@pytest.mark.parametrize("by", SORTS)
def test_page_from_the_middle_costs_what_the_first_one_costs(many, by):
    assert steps(many, Wanted(), Sort(by), MIDDLE[by]) < 10_000


@pytest.mark.parametrize("by", ["uploaded_at", "name", "size"])
def test_search_that_finds_nothing_reads_no_row(many, by):
    assert "COVERING INDEX" in plan(many, Wanted(("nowhere",), material="PETG"), Sort(by))


@pytest.mark.parametrize("by", SORTS)
def test_search_that_finds_nothing_looks_at_each_file_once(many, by):
    assert steps(many, Wanted(("nowhere",), material="PETG"), Sort(by)) < 15 * MANY


# -- quotas


def test_one_file_too_many_is_refused_and_room_is_there_again_once_one_is_removed(db):
    quota = Quota(each=250)
    first = added(db, "a.gcode", by="user:kim", size=100)
    added(db, "b.gcode", by="user:kim", size=100)
    third = StoredFile("c", "c.gcode", FileKind.GCODE, 51, "ff", "user:kim", NOON)

    with pytest.raises(StorageFull, match="your files take 0 of the 0 MB they may"):
        files.add(db, third, quota)
    files.remove(db, first.id, Stamp(NOON, LOCAL))

    assert files.add(db, third, quota)[1]


def test_quota_of_one_is_none_of_the_others_and_that_of_all_is_everybodys(db):
    added(db, "a.gcode", by="user:kim", size=200)
    others = StoredFile("c", "c.gcode", FileKind.GCODE, 60, "ff", "user:sam", NOON)

    with pytest.raises(StorageFull, match="the farm's files take"):
        files.add(db, others, Quota(total=250, each=250))

    assert files.add(db, others, Quota(each=250))[1]


def test_what_is_there_already_is_found_whatever_the_quota(db):
    known = added(db, "a.gcode", size=200)

    assert files.add(db, known, Quota(each=100)) == (known, False)
