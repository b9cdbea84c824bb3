"""The farm's numbers as Prometheus reads them.

Labels name kinds and states, never single printers, jobs or people: there are few of them, and nobody learns
more from them than how the farm does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from farm.actors.supervisor import ActorReport
from farm.actors.vitals import Resources
from farm.domain.anomaly import Severity
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Connection, Operation
from farm.web import components
from farm.web.components import Condition, Look

Values: TypeAlias = float | Mapping[str, float] | None
"""One number (None: nobody knows), or one for each value of the label."""

__all__ = ["CONTENT_TYPE", "text_of"]

_NOT_COUNTED = frozenset({"client"})  # they come and go, and what they counted with them


def text_of(version: str, look: Look, prints: Mapping[PrintState, int] | None, measured: Resources) -> bytes:
    """The numbers of one look, in Prometheus's text form. prints: by state; None where nobody knows."""
    found = [*_of_farm(version, look), *_of_prints(prints), *_of_actors(look), *_of_process(measured)]
    registry = CollectorRegistry()
    registry.register(_Seen(found))
    return generate_latest(registry)


class _Seen(Collector):
    """Numbers that are known already."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _gauge(name: str, says: str, values: Values, label: str = "") -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"farm_{name}", says, labels=[label] if label else None)
    _fill(family, values)
    return family


def _counter(name: str, says: str, values: Values, label: str = "") -> CounterMetricFamily:
    """Its name gets a _total."""
    family = CounterMetricFamily(f"farm_{name}", says, labels=[label] if label else None)
    _fill(family, values)
    return family


def _fill(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> None:
    if isinstance(values, Mapping):
        for label, value in values.items():
            family.add_metric([label], value)
    elif values is not None:
        family.add_metric([], values)


def _by_state(states: Iterable[str], counted: Mapping[Any, int]) -> dict[str, float]:
    """Every state with its number, so that no line ends when a state becomes empty."""
    return {str(state): counted.get(state, 0) for state in states}


def _of_farm(version: str, look: Look) -> Iterator[Metric]:
    numbers, parts = look.numbers, components.of(look)
    yield InfoMetricFamily("farm", "The server that answers.", {"version": version})
    yield _gauge("uptime_seconds", "Since the process started.", look.uptime_s)
    yield _gauge(
        "component_ok",
        "1 where a part of the farm does as it should, else 0.",
        {name: getattr(parts, name).status is Condition.OK for name in parts.__struct_fields__},
        "component",
    )
    shown = parts.printers
    connected = {state: getattr(shown, state, 0) for state in map(str, Connection)}
    yield _gauge("printers", "Printers by connection.", connected, "connection")
    doing = Counter(str(status.operation) for status in look.statuses.values())
    yield _gauge(
        "printers_doing", "Printers by what they do.", _by_state(map(str, Operation), doing), "operation"
    )
    wrong = Counter(str(found.severity) for status in look.statuses.values() for found in status.anomalies)
    yield _gauge(
        "anomalies",
        "What is wrong with printers now, by how bad it is.",
        _by_state(Severity, wrong),
        "severity",
    )
    doubted = sum(bool(status.doubt) for status in look.statuses.values())
    yield _gauge("printers_doubted", "Printers that others are preferred to: something was wrong.", doubted)
    if numbers is not None:
        yield _gauge("jobs", "Jobs by state.", _by_state(JobState, numbers.jobs), "state")
        yield _gauge("files", "Files that are kept.", numbers.files)
        yield _gauge("files_bytes", "Their contents, each counted once.", numbers.contents)
        yield _gauge("files_unread", "Files that wait to be read.", numbers.unread)
    sizes = {"farm": numbers.database if numbers else None, "telemetry": look.readings_size}
    known = {name: size for name, size in sizes.items() if size is not None}
    yield _gauge("database_bytes", "Size of a database file.", known, "database")
    yield _gauge("plan_version", "Of the plan in force, 0 for none.", parts.scheduler.version)
    yield _gauge("plan_prints", "Prints in the plan.", parts.scheduler.prints)
    yield _gauge("plan_unscheduled", "Prints that the plan leaves out.", parts.scheduler.unscheduled)
    yield _gauge("live_clients", "Clients on the live socket.", look.clients.clients)
    yield _counter("live_dropped", "Clients that were cut or sent away.", look.clients.dropped)
    seen = look.telemetry
    yield _gauge("telemetry_printers", "Printers whose measurements are understood.", seen.printers)
    yield _gauge("telemetry_channels", "Their channels.", seen.channels)
    yield _counter("telemetry_samples", "Samples that were taken in.", seen.samples)
    yield _counter("telemetry_late", "Readings that came after newer ones.", seen.late)
    yield _counter(
        "telemetry_refused", "Samples that could not be true, came too late or had no room.", seen.refused
    )
    yield _counter(
        "telemetry_passed_over", "Readings of printers that send more than 20 a second.", seen.passed_over
    )
    yield _counter(
        "telemetry_dropped", "Readings that came faster than they were taken in.", parts.telemetry.dropped
    )


def _of_prints(prints: Mapping[PrintState, int] | None) -> Iterator[Metric]:
    if prints is None:
        return
    yield _gauge("prints", "Prints by state, since the first day.", _by_state(PrintState, prints), "state")
    yield _counter("dispatches", "Prints given to a printer, since the first day.", sum(prints.values()))


def _of_actors(look: Look) -> Iterator[Metric]:
    reports = [report for report in look.actors.values() if _kind(report) not in _NOT_COUNTED]

    def summed(field: str) -> dict[str, float]:
        found: Counter[str] = Counter()
        for report in reports:
            found[_kind(report)] += getattr(report, field)
        return dict(found)

    says = "those of one kind together"
    yield _gauge("mailbox_messages", f"Messages that wait for actors, {says}.", summed("depth"), "actor")
    yield _counter(
        "mailbox_dropped", f"Messages dropped for want of room, {says}.", summed("dropped"), "actor"
    )
    yield _counter("actor_handled", f"Messages handled by actors, {says}.", summed("handled"), "actor")
    yield _counter(
        "actor_restarts", f"Restarts of actors after crashes, {says}.", summed("restarts"), "actor"
    )
    yield _counter(
        "actor_dead_letters", f"Messages lost in crashes, {says}.", summed("dead_letters"), "actor"
    )
    longest: dict[str, float] = {}
    for report in reports:
        longest[_kind(report)] = max(longest.get(_kind(report), 0.0), report.longest_s)
    yield _gauge("actor_longest_seconds", "What an actor took for one message at most.", longest, "actor")


def _kind(report: ActorReport) -> str:
    """What is one of many counts as its kind: printer:mk4-03 as printer."""
    kind = report.name.partition(":")[0]
    return report.name if kind == "database" else kind


def _of_process(measured: Resources) -> Iterator[Metric]:
    late = {"p99": measured.lateness_p99_s, "max": measured.lateness_max_s}
    yield _gauge(
        "loop_lateness_seconds",
        "How late the loop was within the last minute.",
        {which: value for which, value in late.items() if value is not None},
        "which",
    )
    yield _gauge("disk_free_bytes", "Room where the data lies.", measured.disk_free)
    if measured.use is not None:
        yield _gauge("resident_memory_bytes", "Memory of the process.", measured.use.memory)
        yield _gauge("open_descriptors", "Open files and sockets.", measured.use.descriptors)
        yield _gauge("threads", "Threads of the process.", measured.use.threads)
        yield _counter("processor_seconds", "Processor time of the process.", measured.use.processor_s)
