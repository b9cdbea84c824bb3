"""The instances that plans are measured with, and what dispatch rules made of them."""

import json
from functools import cache
from pathlib import Path

from farm.schedule.reading import read_problem

FOLDER = Path(__file__).parents[1] / "data" / "instances"
BASELINES = json.loads((FOLDER / "baselines.json").read_text("utf-8"))


@cache
def instance(name):
    return read_problem((FOLDER / f"{name}.json").read_bytes())
