"""What a real Moonraker answered and pushed: written down by tests/peers/record_moonraker.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from farm.drivers.exchange import Answer

_FOLDER = Path(__file__).parents[2] / "transcripts" / "moonraker"
ANSWERS: dict[str, dict[str, Any]] = json.loads((_FOLDER / "moonraker-0.11.0.json").read_text())
PUSHES: dict[str, list[tuple[float, dict[str, Any]]]] = json.loads((_FOLDER / "push-0.11.0.json").read_text())
NAME = "ab12cd_chip.gcode"


def recorded(situation: str) -> Answer:
    said = ANSWERS[situation]
    body = said["body"] if isinstance(said["body"], str) else json.dumps(said["body"])
    return Answer(said["status"], {"content-type": said["content_type"]}, body.encode())
