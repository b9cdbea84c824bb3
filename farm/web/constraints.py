"""What the shop allows: its hours, its power, and when its printers are spoken for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from farm.access.rights import Action
from farm.domain import constraints as domain
from farm.domain.clock import iso
from farm.domain.constraints import Day, wall_time
from farm.live.plan_shapes import Effect
from farm.live.shapes import Moment
from farm.queue.messages import SetConstraints
from farm.store import shop
from farm.web.contract import SentMoment, Versioned
from farm.web.effect import would_do
from farm.web.printers import readable_ids
from farm.web.printers_sent import given
from farm.web.routes import Call, Route

WallTime = Annotated[str, msgspec.Meta(pattern="^[0-9]{2}:[0-9]{2}$")]


class Shift(Struct, forbid_unknown_fields=True):
    """When people are there, as a clock on the wall shows it. days: those on which it starts.

    end: on the next day where it is not after `start`; the same time is 24 hours.
    """

    days: list[Day]
    start: WallTime
    end: WallTime


class SentWindow(Struct, forbid_unknown_fields=True):
    """Printers that are spoken for: nothing is printed on them, and no hand put to a print."""

    start: SentMoment
    end: SentMoment
    affected_printers: list[str] | Literal["all"]


class SentConstraints(Struct, forbid_unknown_fields=True):
    """All that the shop allows; what is left out is not limited.

    max_print_time_s: of one print. preferred_printers: a wish, all else is not to be overruled.
    working_hours: none where somebody is always there. timezone: the shop's. operators: how many can put
    their hands to printers at once. power_limit_kw: of all printers together, circuits: of those that have
    its name in their profile.
    """

    max_print_time_s: float | None = None
    preferred_printers: frozenset[str] = frozenset()
    working_hours: list[Shift] = []
    timezone: str = "UTC"
    closed_dates: frozenset[date] = frozenset()
    operators: int | None = None
    power_limit_kw: float | None = None
    circuits: dict[str, float] = {}
    maintenance_windows: list[SentWindow] = []

    def meant(self) -> domain.Constraints:
        """Raises Invalid for what is no time of day."""
        return domain.Constraints(
            max_print_time_s=self.max_print_time_s,
            preferred_printers=self.preferred_printers,
            working_hours=_meant_hours(self.working_hours),
            timezone=self.timezone,
            closed_dates=self.closed_dates,
            operators=self.operators,
            power_limit_kw=self.power_limit_kw,
            circuits=self.circuits,
            maintenance_windows=tuple(map(_meant_window, self.maintenance_windows)),
        )


class OtherConstraints(Struct, forbid_unknown_fields=True):
    """What is to hold instead of what the shop allows; the rest holds as it does. null: not limited."""

    max_print_time_s: float | UnsetType | None = UNSET
    preferred_printers: frozenset[str] | UnsetType = UNSET
    working_hours: list[Shift] | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    closed_dates: frozenset[date] | UnsetType = UNSET
    operators: int | UnsetType | None = UNSET
    power_limit_kw: float | UnsetType | None = UNSET
    circuits: dict[str, float] | UnsetType = UNSET
    maintenance_windows: list[SentWindow] | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """By the names of the domain's fields. Raises Invalid for what is no time of day."""
        changes: dict[str, Any] = given(self)
        if not isinstance(self.working_hours, UnsetType):
            changes["working_hours"] = _meant_hours(self.working_hours)
        if not isinstance(self.maintenance_windows, UnsetType):
            changes["maintenance_windows"] = tuple(map(_meant_window, self.maintenance_windows))
        return changes


def _meant_hours(sent: Sequence[Shift]) -> tuple[domain.Shift, ...]:
    return tuple(
        domain.Shift(
            frozenset(shift.days),
            wall_time(shift.start, f"working_hours[{number}].start"),
            wall_time(shift.end, f"working_hours[{number}].end", ends=True),
        )
        for number, shift in enumerate(sent)
    )


def _meant_window(sent: SentWindow) -> domain.Window:
    those = sent.affected_printers
    return domain.Window(
        sent.start.astimezone(UTC), sent.end.astimezone(UTC), "all" if those == "all" else frozenset(those)
    )


class Window(Struct):
    start: Moment
    end: Moment
    affected_printers: list[str] | Literal["all"]


class Constraints(Struct):
    """All that the shop allows, as it is sent; of printers, those that the asker may look at.

    effect: what it would do to the plan; only told with ?dry_run=true.
    """

    max_print_time_s: float | None
    preferred_printers: list[str]
    working_hours: list[Shift]
    timezone: str
    closed_dates: list[date]
    operators: int | None
    power_limit_kw: float | None
    circuits: dict[str, float]
    maintenance_windows: list[Window]
    effect: Effect | UnsetType = UNSET


async def show_constraints(call: Call) -> Versioned[Constraints]:
    """What the shop allows."""
    found = await call.desk.database.read(shop.constraints)
    return Versioned.of(_shown(found, await readable_ids(call)), found.version)


async def set_constraints(call: Call, sent: SentConstraints) -> Versioned[Constraints]:
    """Say what the shop allows, all of it anew. Prints that run go on.

    With ?dry_run=true it answers what would hold, and what that would do to the plan.
    """
    wish = SetConstraints(sent.meant())
    kept = await call.change(domain.Constraints, lambda by: call.desk.queue.ask(wish, by=by))
    shown = _shown(kept, await readable_ids(call))
    if call.asker.terms.dry:
        shown.effect = await would_do(call, constraints=kept)
    return Versioned.of(shown, kept.version)


def _shown(kept: domain.Constraints, readable: frozenset[str]) -> Constraints:
    windows = [_shown_window(window, readable) for window in kept.maintenance_windows]
    return Constraints(
        max_print_time_s=kept.max_print_time_s,
        preferred_printers=sorted(kept.preferred_printers & readable),
        working_hours=[_shown_shift(shift) for shift in kept.working_hours],
        timezone=kept.timezone,
        closed_dates=sorted(kept.closed_dates),
        operators=kept.operators,
        power_limit_kw=kept.power_limit_kw,
        circuits=dict(kept.circuits),
        maintenance_windows=[window for window in windows if window.affected_printers],
    )


def _shown_shift(shift: domain.Shift) -> Shift:
    days = [day for day in domain.WEEK if day in shift.days]
    return Shift(days, f"{shift.start:%H:%M}", f"{shift.end:%H:%M}")


def _shown_window(window: domain.Window, readable: frozenset[str]) -> Window:
    those = window.affected_printers
    named: list[str] | Literal["all"] = "all" if those == "all" else sorted(those & readable)
    return Window(iso(window.start), iso(window.end), named)


ROUTES = (
    Route("GET", "/v1/constraints", show_constraints, Action.READ),
    Route("PUT", "/v1/constraints", set_constraints, Action.SET_UP),
)
