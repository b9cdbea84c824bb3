"""Where a job may be planned: looked at once for those that are alike, and rightly for those that are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from farm.domain.analysis import GcodeAnalysis
from farm.domain.compatibility import limits_of
from farm.domain.file import FileKind, FileState
from farm.domain.job import Job, JobState
from farm.domain.printer import Address, Loaded, Printer, Profile
from farm.schedule import eligible
from farm.schedule.eligible import Eligible
from farm.schedule.facts import Facts, KnownFile, Station

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FILE = KnownFile(FileState.READY, GcodeAnalysis(nozzle_mm=0.4))


def station(name, **changes):
    profile = Profile(nozzle_mm=changes.pop("nozzle_mm", 0.4), loaded=(Loaded(0, "PLA", f"colour {name}"),))
    address = Address("octoprint", f"http://{name}")
    tags = changes.pop("tags", frozenset())
    return Station(Printer(name, name, address, tags=tags, profile=profile), **changes)


def job(name="j", **fields):
    return Job(name, fields.pop("file", "f"), name, 1, JobState.QUEUED, "user:1", NOON, **fields)


def looked(stations, **known):
    facts = Facts(NOON, (), {"f": FILE, "g": FILE}, tuple(stations), **known)
    return Eligible(facts, {one.printer.id: one.printer.name for one in stations})


@pytest.fixture
def asked(monkeypatch):
    """How often a job was really held against a printer."""
    pairs = []
    really = eligible.compatibility

    def count(job, analysis, printer):
        pairs.append((job.file, printer.id))
        return really(job, analysis, printer)

    monkeypatch.setattr(eligible, "compatibility", count)
    return pairs


def test_jobs_and_printers_that_are_alike_are_looked_at_once(asked):
    found = looked([station(f"p{number}") for number in range(50)])

    for number in range(100):
        assert len(found.places(job(f"j{number}")).printers) == 50

    assert asked == [("f", "p0")]


def test_what_differs_is_looked_at_by_itself(asked):
    found = looked([station("a"), station("b", nozzle_mm=0.6), station("c", tags=frozenset({"left"}))])

    assert found.places(job()).printers == ("a", "c")
    assert found.places(job(file="g")).printers == ("a", "c")
    assert found.places(job(required_tags=frozenset({"left"}))).printers == ("c",)
    assert found.places(job(required_printers=frozenset({"a"}))).printers == ("a",)


def test_each_printer_has_its_reason_by_its_own_name():
    found = looked(
        [station("a", nozzle_mm=0.6), station("b", nozzle_mm=0.6), station("c", away="it is lost")]
    )

    assert [(why.printer, why.constraint) for why in found.places(job()).excluded] == [
        ("a", "nozzle"),
        ("b", "nozzle"),
        ("c", "away"),
    ]


def test_a_file_that_failed_there_and_one_that_it_cannot_read_are_kept_from_a_printer():
    found = looked([station("a"), station("b")], failed_on={"f": ("b",)})

    assert found.places(job()).printers == ("a",)
    assert found.places(job(file="g")).printers == ("a", "b")
    assert found.places(job(file="g", kind=FileKind.BINARY_GCODE)).printers == ()


def test_what_somebody_has_approved_of_counts_for_all_printers_of_that_profile():
    silent = KnownFile(FileState.READY, GcodeAnalysis())
    one = station("a")
    facts = Facts(NOON, (), {"f": silent}, (one,))

    def printers(known):
        return Eligible(known, {"a": "a"}).places(job()).printers

    assert printers(facts) == ()
    assert printers(replace(facts, approved={"f": frozenset({limits_of(one.printer.profile)})})) == ("a",)
