"""Farms as busy ones are, at random: print times, materials, due dates and printers as they come in shops.

The same kind of instances as in tests/data/instances, of any size and for any seed; `farm` has the recipe.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import exp, log
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

Instance = dict[str, Any]
"""As `farm.schedule.reading.read_problem` reads it from JSON; times in minutes."""

Value = TypeVar("Value")

ZONE = "Europe/Berlin"
FIRST_DAY = date(2026, 3, 26)  # a Thursday; on Sunday the clocks go forward
OPENS, CLOSES, SUNDAY = 8, 18, 6
DAYS = 15

MATERIALS = {"PLA": 55, "PETG": 25, "ABS": 12, "TPU": 8}
COLOURS = {"black": 35, "white": 20, "grey": 15, "red": 10, "blue": 10, "natural": 10}
PLATES = {1: 70, 2: 15, 4: 10, 8: 5}
SIZES_MM = {180: 75, 240: 13, 340: 12}
WEIGHTS = {1: 40, 2: 35, 4: 20, 8: 5}
MODELS: dict[str, tuple[int, dict[str, Any]]] = {  # how many of a hundred, and what they are
    "A": (60, {"bed": 220, "enclosed": False, "speed": 1.0, "heat": 350, "steady": 120}),
    "B": (22, {"bed": 350, "enclosed": False, "speed": 1.15, "heat": 600, "steady": 200}),
    "C": (18, {"bed": 256, "enclosed": True, "speed": 0.7, "heat": 450, "steady": 160}),
}
MEDIAN_MIN, SPREAD, SHORTEST_MIN, LONGEST_MIN = 210, 0.95, 20, 1800
TWO_DAYS_MIN = 2 * 24 * 60


def farm(jobs: int, printers: int, seed: int) -> Instance:
    """So many plates to print, and printers for them.

    Print times are log-normal; one to eight plates are alike. A third is released later, a seventh prefers
    some printers. Due dates lie within the time that the work takes at 72 % of what the printers could do.
    Heaters may draw 55 % of what all of them could at once.
    """
    chance = random.Random(seed)
    farm_printers = _printers(chance, printers)
    plates = _plates(chance, jobs, farm_printers)
    work = sum(0.98 * plate["base"] + 15 for plate in plates) / printers / 0.72 + 120
    for plate in plates:
        soonest = plate["release"] + 1.15 * plate["base"] + 60
        plate["due"] = round(max(soonest, chance.uniform(0.20, 1.10) * work))
    return {
        "name": f"{jobs}x{printers}-s{seed}",
        "t0": _opening(FIRST_DAY).isoformat(),
        "tz": ZONE,
        "horizon": DAYS * 24 * 60,
        "cap": round(0.55 * sum(printer["heat"] for printer in farm_printers)),
        "windows": _windows(),
        "printers": farm_printers,
        "jobs": plates,
    }


def _one_of(chance: random.Random, shares: dict[Value, int]) -> Value:
    return chance.choices(list(shares), list(shares.values()))[0]


def _opening(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, OPENS, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def _windows() -> list[list[int]]:
    """From opening to closing on every day but Sundays."""
    windows = []
    for number in range(DAYS):
        day = FIRST_DAY + timedelta(days=number)
        if day.weekday() != SUNDAY:
            begin = int((_opening(day) - _opening(FIRST_DAY)).total_seconds()) // 60
            windows.append([begin, begin + (CLOSES - OPENS) * 60])
    return windows


def _printers(chance: random.Random, count: int) -> list[Instance]:
    """Of each model its share, and of A what is missing; a third of the Bs has a wide nozzle."""
    shares = {
        model: max(1, round(count * share / 100)) for model, (share, _) in MODELS.items() if model != "A"
    }
    models = ["A"] * (count - sum(shares.values())) + [
        model for model in shares for _ in range(shares[model])
    ]
    wide = {number for number, model in enumerate(models) if model == "B"}
    wide = set(sorted(wide)[: len(wide) // 3])
    printers = []
    for number, model in enumerate(models):
        days, length = chance.randrange(1, 7), chance.choice((60, 120, 240))
        begin = days * 24 * 60 + chance.randrange(0, 8) * 60
        printers.append(
            {
                "id": number,
                "model": model,
                "nozzle": 0.6 if number in wide else 0.4,
                **MODELS[model][1],
                "avail": 0 if chance.random() < 0.4 else chance.randrange(1, 12 * 60),
                "material": _one_of(chance, MATERIALS if model == "C" else {"PLA": 65, "PETG": 28, "TPU": 7}),
                "color": _one_of(chance, COLOURS),
                "maint": [[begin, begin + length]] if chance.random() < 0.25 else [],
            }
        )
    return printers


def _plates(chance: random.Random, count: int, printers: Sequence[Instance]) -> list[Instance]:
    wide = any(printer["nozzle"] == 0.6 for printer in printers)
    plates: list[Instance] = []
    while len(plates) < count:
        material = _one_of(chance, MATERIALS)
        base = exp(chance.gauss(log(MEDIAN_MIN), SPREAD))
        base = round(min(LONGEST_MIN, max(SHORTEST_MIN, base)))
        like = {
            "base": base,
            "material": material,
            "color": _one_of(chance, COLOURS),
            "size": _one_of(chance, {180: 83, 240: 17} if material == "ABS" else SIZES_MM),
            "nozzle": 0.6 if wide and material != "ABS" and chance.random() < 0.05 else 0.4,
            "weight": _one_of(chance, WEIGHTS),
            "release": chance.randrange(1, TWO_DAYS_MIN) if chance.random() < 0.35 else 0,
            "grams": int(base / 4),
        }
        fits = [printer["id"] for printer in printers if _fits(like, printer)]
        wished = chance.sample(fits, min(len(fits), max(1, len(printers) // 8)))
        like["preferred"] = sorted(wished) if chance.random() < 0.15 else []
        for _ in range(min(_one_of(chance, PLATES), count - len(plates))):
            plates.append({"id": len(plates), **like})
    return plates


def _fits(plate: Instance, printer: Instance) -> bool:
    return bool(
        plate["size"] <= printer["bed"]
        and plate["nozzle"] == printer["nozzle"]
        and (plate["material"] != "ABS" or printer["enclosed"])
    )
