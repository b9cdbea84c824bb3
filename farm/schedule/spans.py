"""Arithmetic of spans of time: half-open, in whole seconds."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from farm.schedule.problem import FOREVER, Span


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time, in order; spans that touch or overlap become one, empty ones vanish."""
    result: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end))
        else:
            result.append((start, end))
    return tuple(result)


def within(spans: Iterable[Span], frame: Span) -> Iterator[Span]:
    """What of the spans lies in the frame."""
    for start, end in spans:
        if max(start, frame[0]) < min(end, frame[1]):
            yield max(start, frame[0]), min(end, frame[1])


def gaps(spans: Iterable[Span], frame: Span) -> Iterator[Span]:
    """What of the frame lies in none of the spans. spans: merged."""
    at = frame[0]
    for start, end in within(spans, frame):
        if at < start:
            yield at, start
        at = end
    if at < frame[1]:
        yield at, frame[1]


def length(spans: Iterable[Span]) -> int:
    """Seconds in all. spans: apart from each other."""
    return sum(end - start for start, end in spans)


def holding(spans: Sequence[Span], span: Span) -> Span | None:
    """The one that all of `span` lies in; it may end with it. spans: merged."""
    number = bisect_right(spans, (span[0], FOREVER)) - 1
    return spans[number] if number >= 0 and span[1] <= spans[number][1] else None


def meeting(spans: Iterable[Span], span: Span) -> Span | None:
    """The first one that shares time with `span`; to touch it is no meeting."""
    return next((other for other in spans if other[0] < span[1] and span[0] < other[1]), None)
