"""When somebody is in the shop: its hours as moments, across nights, closed days and clocks that change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from farm.domain.constraints import WEEK, Constraints, Shift

A_DAY = timedelta(days=1)
FAR = timedelta(days=400)  # a shop that is closed for longer never opens, as far as a plan can tell


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` up to, not including, `end`; both in UTC."""

    start: datetime
    end: datetime

    def covers(self, other: Span) -> bool:
        """Whether all of `other` lies in it; it may end just as this does."""
        return self.start <= other.start and other.end <= self.end

    def meets(self, other: Span) -> bool:
        """Whether they have a moment in common; to touch is not enough."""
        return self.start < other.end and other.start < self.end


def staffed(shop: Constraints, during: Span) -> list[Span]:
    """When somebody is there, in order: every span that meets `during` or touches it, without breaks in it.

    They are not cut to `during`, but what lies more than two days away from it is left out. A shop that
    gives no hours is always staffed, closed dates apart. A shift belongs to the day on which it starts;
    nobody is there on a closed date, nor in the night after it that would have been its shift's.
    """
    zone = shop.zone
    first, last = _day(during.start, zone) - 2 * A_DAY, _day(during.end, zone) + 2 * A_DAY
    days = [first + number * A_DAY for number in range((last - first).days + 1)]
    open_days = [day for day in days if day not in shop.closed_dates]
    spans = [span for day in open_days for span in _shifts_of(day, shop, zone)]
    closed = [_whole(day, zone) for day in days if day in shop.closed_dates]
    found = _without(_merged(spans), closed)
    return [span for span in found if span.start <= during.end and during.start <= span.end]


def is_staffed(shop: Constraints, during: Span) -> bool:
    """Whether somebody is there for all of it."""
    return any(span.covers(during) for span in staffed(shop, during))


def next_opening(shop: Constraints, after: datetime) -> datetime | None:
    """When somebody comes next, after a moment at which nobody is there; None where that is out of sight."""
    for number in range(0, FAR.days, 7):
        week = Span(after + number * A_DAY, after + (number + 7) * A_DAY)
        coming = [span.start for span in staffed(shop, week) if span.start > after]
        if coming:
            return min(coming)
    return None


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _shifts_of(day: date, shop: Constraints, zone: ZoneInfo) -> Iterator[Span]:
    if not shop.working_hours:
        yield _whole(day, zone)
    for shift in shop.working_hours:
        if WEEK[day.weekday()] in shift.days:
            yield from _span(day, shift, zone)


def _span(day: date, shift: Shift, zone: ZoneInfo) -> Iterator[Span]:
    ends = day if shift.end > shift.start else day + A_DAY
    span = Span(_moment(day, shift.start, zone, fold=0), _moment(ends, shift.end, zone, fold=1))
    if span.start < span.end:
        yield span


def _whole(day: date, zone: ZoneInfo) -> Span:
    return Span(_moment(day, time(), zone, fold=0), _moment(day + A_DAY, time(), zone, fold=0))


def _moment(day: date, at: time, zone: ZoneInfo, fold: int) -> datetime:
    """A time on the wall as a moment. fold: which of the two, in the hour that comes twice.

    One that the clocks jump over comes as much later as they jump.
    """
    wall = datetime.combine(day, at, zone).replace(fold=fold)
    moment = wall.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        return wall.replace(fold=0).astimezone(UTC)
    return moment


def _merged(spans: Iterable[Span]) -> list[Span]:
    """In order; what overlaps or touches is one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def _without(spans: Iterable[Span], closed: Iterable[Span]) -> list[Span]:
    found = list(spans)
    for gone in closed:
        pieces = [piece for span in found for piece in (_before(span, gone), _after(span, gone))]
        found = [piece for piece in pieces if piece.start < piece.end]
    return found


def _before(span: Span, gone: Span) -> Span:
    return Span(span.start, min(span.end, gone.start))


def _after(span: Span, gone: Span) -> Span:
    return Span(max(span.start, gone.end), span.end)
