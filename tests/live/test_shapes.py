"""The shapes other programs rely on, field by field."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from msgspec import structs

from farm.domain.anomaly import Anomaly, AnomalyKind, Evidence, Severity
from farm.domain.file import FileAnalysis, FileKind, FileState, StoredFile
from farm.domain.job import Job, JobState, Print, PrintState
from farm.domain.printer import (
    Address,
    Connection,
    Doubt,
    Loaded,
    Operation,
    Plate,
    Position,
    Printer,
    PrinterStatus,
    PrintProgress,
    Profile,
    Temperature,
)
from farm.drivers.base import Capability
from farm.live import shapes
from farm.live.printer_words import PrinterWords
from farm.live.protocol import as_json
from farm.store.changes import Change

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

ENDER = Printer(
    "ender3_01",
    "Ender 3 Pro #1",
    Address("octoprint", "http://192.168.1.100:80", api_key="SECRET-KEY"),
    tags=frozenset({"row-a", "big"}),
    profile=Profile(nozzle_mm=0.4, loaded=(Loaded(0, "PLA"),)),
)
PRINTING = PrinterStatus(
    connection=Connection.ONLINE,
    operation=Operation.PRINTING,
    plate=Plate.OCCUPIED,
    since=NOON,
    temperatures={"tool0": Temperature(21.3, 0.0), "bed": Temperature(None, None)},
    position=Position(1.0, 2.0, 3.0),
    print=PrintProgress("p1", "j1", "f1", "benchy.gcode", "printing", 0.45, 1620.0, 1980.0, 40, 88),
)
JOB = Job("j1", "f1", "benchy", 3, JobState.ACTIVE, "user:u1", NOON, due_at=NOON, good=1, running=1)
PRINT = Print("p1", "j1", "ender3_01", "a1b2c3", PrintState.PRINTING, NOON, "a1b2c3_benchy.gcode", 0.45)
FILE = StoredFile("f1", "benchy.gcode", FileKind.GCODE, 1024000, "ab" * 32, "user:u1", NOON)


def shown(shape):
    return json.loads(as_json(shape))


def test_printer_is_shown_with_its_status_and_without_its_key():
    shape = shown(shapes.of_printer(ENDER, PRINTING, NOON))

    assert "SECRET" not in str(shape)
    assert "api_key" not in str(shape)
    assert shape == {
        "id": "ender3_01",
        "name": "Ender 3 Pro #1",
        "tags": ["big", "row-a"],
        "enabled": True,
        "connection": {"kind": "octoprint", "url": "http://192.168.1.100:80"},
        "health_check_interval_s": 30.0,
        "max_retries": 5,
        "capabilities": sorted(set(Capability) - {Capability.CONSOLE, Capability.BINARY_GCODE}),
        "profile": {
            "volume_mm": None,
            "nozzle_mm": 0.4,
            "materials": [],
            "max_nozzle_degc": None,
            "max_bed_degc": None,
            "heat_up_w": None,
            "heat_up_s": None,
            "printing_w": None,
            "circuit": None,
            "auto_eject": False,
            "loaded": [{"tool": 0, "material": "PLA", "colour": None, "spool": None}],
            "model": None,
            "optimise": None,
            "ejection": None,
        },
        "status": {
            "connection": "online",
            "operation": "printing",
            "plate": "occupied",
            "breaker": "closed",
            "next_try_at": None,
            "message": "",
            "since": "2026-01-01T12:00:00.000Z",
            "temperatures": {
                "tool0": {"actual": 21.3, "target": 0.0},
                "bed": {"actual": None, "target": None},
            },
            "position": {"x": 1.0, "y": 2.0, "z": 3.0},
            "foreign": False,
            "foreign_file": None,
            "print": {
                "id": "p1",
                "job": "j1",
                "file": "f1",
                "name": "benchy.gcode",
                "state": "printing",
                "progress": 0.45,
                "elapsed_s": 1620.0,
                "remaining_s": 1980.0,
                "ends_at": "2026-01-01T12:33:00.000Z",
                "layer": 40,
                "layers": 88,
            },
            "anomalies": [],
            "doubt": None,
            "doubt_since": None,
            "ejector": None,
        },
    }


def test_printer_in_words_is_the_printer_as_it_is_shown():
    words = PrinterWords()
    half = structs.replace(PRINTING, message="half a character: \ud83d")
    renamed = replace(ENDER, name="Ender by the window")
    for printer, status in ((ENDER, PRINTING), (ENDER, half), (renamed, half), (ENDER, PrinterStatus())):
        assert bytes(words.of(printer, status, NOON)) == as_json(shapes.of_printer(printer, status, NOON))


def test_what_a_printer_does_not_tell_is_null():
    shape = shown(shapes.of_status(PrinterStatus(), NOON))

    assert shape["position"] is shape["print"] is shape["since"] is shape["next_try_at"] is None
    assert shape["temperatures"] == {}


def test_what_is_wrong_with_a_printer_is_shown_with_its_numbers():
    evidence = Evidence("tool0", 12.0, {"actual_degc": 195.2}, 204.0)
    found = Anomaly(AnomalyKind.DROP, Severity.WARN, "The nozzle is too cold.", evidence)

    doubt = Doubt(found.sentence, NOON)
    shape = shown(shapes.of_status(PrinterStatus(anomalies=(found,), doubt=doubt), NOON))

    assert (shape["doubt"], shape["doubt_since"]) == ("The nozzle is too cold.", "2026-01-01T12:00:00.000Z")
    assert shape["anomalies"] == [
        {
            "kind": "drop",
            "severity": "warn",
            "sentence": "The nozzle is too cold.",
            "evidence": {
                "channel": "tool0",
                "window_s": 12.0,
                "values": {"actual_degc": 195.2},
                "limit": 204.0,
            },
        }
    ]


def test_print_without_a_known_rest_has_no_end():
    progress = structs.replace(PRINTING.print, remaining_s=None)

    shape = shown(shapes.of_status(structs.replace(PRINTING, print=progress), NOON))

    assert shape["print"]["ends_at"] is None


def test_job_is_shown_with_its_prints():
    shape = shown(shapes.of_job(JOB, [PRINT]))

    assert shape["prints"] == [shown(shapes.of_print(PRINT))]
    del shape["prints"]
    assert shape == {
        "id": "j1",
        "state": "active",
        "file": "f1",
        "name": "benchy",
        "copies": 3,
        "yield": 1,
        "priority": 0,
        "release_at": None,
        "due_at": "2026-01-01T12:00:00.000Z",
        "deadline_at": None,
        "order": None,
        "required_printers": [],
        "required_tags": [],
        "preferred_printers": [],
        "pin": None,
        "rotatable": False,
        "attended": False,
        "allow_short_filament": False,
        "material": None,
        "colour": None,
        "approval": None,
        "approval_why": None,
        "created_by": "user:u1",
        "created_at": "2026-01-01T12:00:00.000Z",
        "done": 1,
        "failed": 0,
        "parts": {"wanted": 3, "good": 1, "uncounted": 0, "running": 1, "remaining": 1},
        "planned": None,
        "why_not": None,
        "warnings": None,
    }


def test_print_is_shown_with_its_history_where_it_was_read():
    log = [Change(NOON, None, "reserved", "system:system", "it was next")]

    shape = shown(shapes.of_print(PRINT, log))

    assert shape == {
        "id": "p1",
        "job": "j1",
        "printer": "ender3_01",
        "attempt": "a1b2c3",
        "state": "printing",
        "progress": 0.45,
        "reserved_at": "2026-01-01T12:00:00.000Z",
        "started_at": None,
        "ended_at": None,
        "reason": "",
        "good": None,
        "filament_g": None,
        "cause": None,
        "note": "",
        "optimised": None,
        "log": [
            {
                "at": "2026-01-01T12:00:00.000Z",
                "from": None,
                "to": "reserved",
                "who": "system:system",
                "why": "it was next",
            }
        ],
    }
    assert "log" not in shown(shapes.of_print(PRINT))


def test_file_is_shown_with_where_its_analysis_stands():
    shape = shown(shapes.of_file(FILE))

    assert shape == {
        "id": "f1",
        "name": "benchy.gcode",
        "kind": "gcode",
        "size": 1024000,
        "sha256": "ab" * 32,
        "uploaded_by": "user:u1",
        "uploaded_at": "2026-01-01T12:00:00.000Z",
        "analysis": {"state": "queued", "reason": None, "result": None},
    }
    failed = shown(shapes.of_file(replace(FILE, analysis=FileAnalysis(FileState.FAILED, "cut short"))))
    assert failed["analysis"] == {"state": "failed", "reason": "cut short", "result": None}


def test_half_a_character_from_a_printers_host_is_shown_as_a_question_mark():
    status = structs.replace(PrinterStatus(), message="paused \ud83d by hand")

    assert shown(shapes.of_status(status, NOON))["message"] == "paused ? by hand"
