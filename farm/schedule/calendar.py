"""When people are in the shop and when printers are down, in seconds from now.

What hours mean on a clock's wall is told in `farm.domain.hours`, which those who start prints ask, too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from farm.domain import hours
from farm.domain.constraints import Constraints
from farm.schedule.problem import Span
from farm.schedule.spans import merged, within

_SECOND = timedelta(seconds=1)


def staffed_spans(shop: Constraints, now: datetime, horizon_s: int) -> tuple[Span, ...] | None:
    """When people are there from now on, apart from each other and in order; None means always.

    Of a second in which they come or leave, they are not there for all of it, and it is left out.
    """
    if not shop.working_hours and not shop.closed_dates:
        return None
    there = hours.staffed(shop, hours.Span(now, now + timedelta(seconds=horizon_s)))
    whole_seconds = ((-((now - span.start) // _SECOND), (span.end - now) // _SECOND) for span in there)
    return tuple(within(merged(whole_seconds), (0, horizon_s)))


def blocked_spans(shop: Constraints, printer: str, now: datetime) -> tuple[Span, ...]:
    """When a printer is down for maintenance, from now on; of a second that it begins or ends in, for all."""
    return merged(
        (max(0, (window.start - now) // _SECOND), -((now - window.end) // _SECOND))
        for window in shop.maintenance_windows
        if window.affects(printer)
    )
