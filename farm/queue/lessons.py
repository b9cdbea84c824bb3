"""What the end of a print and the clearing of its plate teach about how long such things take.

Only a print that went well, without a pause, and was watched from its first byte to its end teaches anything;
so does a plate that somebody cleared while people were there all the time since the print ended.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from sqlite3 import Connection

from farm.domain.compatibility import estimated
from farm.domain.durations import MEGABYTE, UPLOAD_ALWAYS_MB, Measured, Phase
from farm.domain.hours import Span, is_staffed
from farm.domain.job import Print, PrintState
from farm.store import durations, files, jobs, shop

LEAST_ESTIMATE_S = 60.0  # of a shorter print the moments count in which nobody looked
CLOCK_OFF = timedelta(minutes=1)  # the wall clock was set meanwhile, or the computer slept
LONGEST_CLEARING = timedelta(hours=4)  # nobody was really there


def learn_from_print(db: Connection, ended: Print, measured: Measured | None, at: datetime) -> None:
    """measured: as its printer was watched, None where it was not watched all the time."""
    if ended.state is not PrintState.FINISHED or measured is None or not _agrees(ended, measured):
        return
    file = files.existing(db, jobs.existing(db, ended.job).file)
    found = estimated(file.analysis)
    if found is not None and found.print_s >= LEAST_ESTIMATE_S:
        durations.teach(db, ended.id, ended.printer, found.phase, measured.print_s / found.print_s, at)
    if measured.heat_s is not None:
        durations.teach(db, ended.id, ended.printer, Phase.HEAT, measured.heat_s, at)
    if measured.upload_s is not None and measured.sent_bytes:
        each_s = measured.upload_s / (UPLOAD_ALWAYS_MB + measured.sent_bytes / MEGABYTE)
        durations.teach(db, ended.id, ended.printer, Phase.UPLOAD, each_s, at)


def _agrees(ended: Print, measured: Measured) -> bool:
    """With the clock on the wall: a computer that slept has counted too little."""
    if ended.started_at is None or ended.ended_at is None:
        return False
    watched = timedelta(seconds=measured.print_s + (measured.heat_s or 0.0))
    return abs(ended.ended_at - ended.started_at - watched) <= CLOCK_OFF


def learn_from_clearing(db: Connection, ended: Print, at: datetime) -> None:
    """Its plate was cleared at that moment. One that waited for the morning teaches nothing."""
    if ended.state is not PrintState.FINISHED or ended.ended_at is None:
        return
    waited = at - ended.ended_at
    if timedelta(0) < waited <= LONGEST_CLEARING and is_staffed(
        shop.constraints(db), Span(ended.ended_at, at)
    ):
        durations.teach(db, ended.id, ended.printer, Phase.CLEAR, waited.total_seconds(), at)


def unlearn_clearing(db: Connection, ended: Print) -> None:
    """It was taken back."""
    durations.unteach(db, ended.id, Phase.CLEAR)
