"""What lies on the plates, as whoever clears them sees it."""

from __future__ import annotations

from web_farm import NOON

from farm.domain.file import FileKind, StoredFile
from farm.domain.job import Job, JobState, Print, PrintState
from farm.domain.printer import Plate
from farm.domain.user import Grant
from farm.store import files, jobs, printers, prints
from farm.store.printers import PlateRow


async def print_on(farm, printer, *states):
    """A print that has gone through `states`, and the plate it left."""
    write = farm.database.write
    file = StoredFile("f1", "benchy.gcode", FileKind.GCODE, 10, "00" * 32, "test", NOON)
    await write(files.add, file)
    job = Job(f"j-{printer}", "f1", "four benchies", 1, JobState.QUEUED, "test", NOON, yield_per_plate=4)
    await write(jobs.add, job, "test")
    attempt = Print(f"p-{printer}", job.id, printer, printer, PrintState.RESERVED, NOON, "x.gcode")
    await write(prints.reserve, attempt, "queue")
    for state in states:
        attempt = await write(prints.enter, attempt, state, NOON, "queue", "so it was")
    await write(printers.set_plate, printer, PlateRow(Plate.OCCUPIED), NOON, "queue", "")


async def plates(farm, **key):
    answer = await farm.http.get("/v1/plates", headers=await farm.key("read", **key))
    assert answer.status_code == 200
    return {item["printer"]: item for item in answer.json()["items"]}


async def test_print_on_a_plate_is_shown_with_the_parts_to_expect(farm):
    await farm.printer("a1")
    begun = (PrintState.UPLOADING, PrintState.STARTING, PrintState.PRINTING)
    await print_on(farm, "a1", *begun, PrintState.FAILED)

    assert await plates(farm) == {
        "a1": {
            "printer": "a1", "plate": "occupied",
            "print": {"id": "p-a1", "job": "j-a1", "name": "four benchies", "state": "failed",
                      "ended_at": "2026-01-01T12:00:00.000Z", "reason": "so it was", "yield": 4},
        }
    }  # fmt: skip


async def test_nothing_is_said_to_lie_there_that_does_not(farm):
    for id in ("never-begun", "untouched", "under-way"):
        await farm.printer(id)
    await print_on(farm, "never-begun", PrintState.UPLOADING, PrintState.FAILED)
    await print_on(farm, "under-way", PrintState.UPLOADING, PrintState.STARTING, PrintState.PRINTING)

    found = await plates(farm)

    assert {id: item["print"] for id, item in found.items()} == dict.fromkeys(found)
    assert found["untouched"]["plate"] == "unknown"


async def test_only_the_plates_one_may_see_are_shown(farm):
    await farm.printer("a1", "row-a")
    await farm.printer("b1", "row-b")

    assert list(await plates(farm, grant=Grant(tags=frozenset({"row-a"})))) == ["a1"]
