"""When a print can be: people, maintenance, power. All times are seconds from now."""

from __future__ import annotations

from typing import Any

from farm.schedule.engine.compiled import kernel, part
from farm.schedule.engine.model import HOUR, NONE, Calendar, Filaments, Int32s, Int64s, Model

ENDLESS = float("inf")


@part
def prepare(
    filaments: Filaments, shop: Any, printer: Any, job: Any, loaded: int, spool: float, clear: bool
) -> tuple[int, bool, int, float, bool]:
    """What is done before a print: seconds, whether by a person, what is loaded then, the grams that are left
    after the print, and whether that was a changeover."""
    seconds = 0 if clear else printer.clear_s
    changed = False
    wanted = job.filament
    if wanted != NONE:
        seconds += filaments.change[printer.group, loaded, wanted]
        changed = filaments.changes[loaded, wanted]
        loaded = wanted
    if changed and spool < ENDLESS:
        spool = shop.new_spool_g
    short = spool < job.grams
    if short:
        spool = max(shop.new_spool_g, job.grams)
        if not changed:
            seconds += shop.spool_s
    person = seconds > 0 and (changed or short or not printer.ejects)
    return seconds, person, loaded, spool - job.grams, changed


@part
def staffed_at(calendar: Calendar, time: int, seconds: int) -> int:
    """From when on people are there for that long without a break; NONE for never."""
    number = calendar.from_hour[min(time // HOUR, len(calendar.from_hour) - 1)]
    while number < len(calendar.staffed):
        begin = max(time, calendar.staffed[number, 0])
        if begin + seconds <= calendar.staffed[number, 1]:
            return int(begin)
        number += 1
    return NONE


@part
def blocked_until(blocked: Int64s, printer: Any, begin: int, end: int) -> int:
    """The end of the first maintenance that [begin, end) meets; NONE where it meets none."""
    for number in range(printer.blocked_begin, printer.blocked_end):
        if blocked[number, 0] < end and begin < blocked[number, 1]:
            return int(blocked[number, 1])
    return NONE


@part
def earliest(
    calendar: Calendar, printer: Any, job: Any, length: int, time: int, hand_s: int, person: bool
) -> tuple[int, int, int]:
    """Hand-work, start and end of a print that finds power and hands whenever it wants; end NONE for never.

    length: seconds of the print. time: from which on hand-work may begin. person: whether somebody does it.
    """
    watched = job.attended or printer.watched
    while True:
        hand = staffed_at(calendar, time, hand_s) if person else time
        if hand == NONE:
            return 0, 0, NONE
        start = max(hand + hand_s, job.earliest)
        if watched:
            start = staffed_at(calendar, start, length)
            if start == NONE:
                return 0, 0, NONE
        if hand_s == 0:
            hand = start
        time = blocked_until(calendar.blocked, printer, hand, start + length)
        if time == NONE:
            return hand, start, start + length


@kernel
def first_free(load: Int32s, row: int, slot: int, hot_slots: int, slots: int, hot: int, warm: int) -> int:
    """The first slot of a row from that one on from which `slots` of them leave room; NONE for never.

    hot, warm: how much may be in use in the first hot_slots, and in the others. The last slot without room is
    looked for first: nothing that begins before it can do.
    """
    while slot + slots <= load.shape[1]:
        full = NONE
        for here in range(slot + slots - 1, slot + hot_slots - 1, -1):
            if load[row, here] > warm:
                full = here
                break
        if full == NONE:
            for here in range(min(slot + hot_slots, slot + slots) - 1, slot - 1, -1):
                if load[row, here] > hot:
                    full = here
                    break
        if full == NONE:
            return slot
        slot = full + 1
    return NONE


@part
def powered_at(load: Int32s, limit: Int32s, grid: int, printer: Any, start: int, length: int) -> int:
    """From when on there is power for a print; NONE for never. It starts with a slot of the grid."""
    slot, slots = -(-start // grid), -(-length // grid)
    row, other = printer.first_row, printer.second_row
    agreed = 0
    while agreed < 2:
        if row != NONE:
            hot, warm = limit[row] - printer.hot, limit[row] - printer.warm
            found = first_free(load, row, slot, printer.heat_slots, slots, hot, warm)
            if found == NONE:
                return NONE
            if found != slot:
                slot, agreed = found, 0
        agreed += 1
        row, other = other, row
    return slot * grid


@part
def fitted(
    model: Model, load: Int32s, printer: Any, job: Any, length: int, time: int, hand_s: int, person: bool
) -> tuple[int, int, int]:
    """As `earliest`, with the power and the people that the other prints leave."""
    shop, calendar, limit = model.shop[0], model.calendar, model.limit
    grid, hands = shop.grid, shop.hands
    watched = job.attended or printer.watched
    while True:
        hand, start, end = earliest(calendar, printer, job, length, time, hand_s, person)
        if end == NONE:
            return 0, 0, NONE
        if person and hands != NONE:
            free = limit[hands] - 1
            slot = first_free(load, hands, -(-hand // grid), 0, -(-hand_s // grid), free, free)
            if slot == NONE:
                return 0, 0, NONE
            time = slot * grid
            if time != hand:
                continue
        if printer.first_row == NONE:
            return hand, start, end
        begin = powered_at(load, limit, grid, printer, start, length)
        while watched and begin != NONE and begin != start:  # until people and power agree
            start = staffed_at(calendar, begin, length)
            begin = NONE if start == NONE else powered_at(load, limit, grid, printer, start, length)
        if begin == NONE:
            return 0, 0, NONE
        if hand_s == 0:
            hand = begin
        time = blocked_until(calendar.blocked, printer, hand, begin + length)
        if time == NONE:
            return hand, begin, begin + length


@kernel
def occupy(load: Int32s, shop: Any, printer: Any, node: Any, by: int) -> None:
    """Take (by 1) or give back (by -1) the power and the hands of a print."""
    grid = shop.grid
    first, last = node.start // grid, -(-node.end // grid)
    heated = min(last, first + printer.heat_slots)
    hot, warm = by * printer.hot, by * printer.warm
    for row in (printer.first_row, printer.second_row):
        if row != NONE:
            for slot in range(first, heated):
                load[row, slot] += hot
            for slot in range(heated, last):
                load[row, slot] += warm
    if node.person and shop.hands != NONE:
        for slot in range(node.hand // grid, -(-(node.hand + node.hand_s) // grid)):
            load[shop.hands, slot] += by
