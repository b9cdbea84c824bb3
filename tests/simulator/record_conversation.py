"""Has the talk with a real OctoPrint: `FARM_OCTOPRINT=... python -m tests.simulator.record_conversation`.

The simulator is held against what is written down here; see test_against_the_real_octoprint.py.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import trio

from tests.peers.octoprint import OctoPrint
from tests.simulator.conversation import ACTS, Told, converse

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts" / "octoprint"


def shortened(told: Told) -> Told:
    """The same without the long lists nobody compares, and of `current` messages the first of each state."""
    for situation, messages in told.pushed.items():
        told.pushed[situation] = list(_shortened(messages))
    return told


def _shortened(messages: list[Any]) -> Iterator[Any]:
    state = None
    for message in messages:
        for part in (message.get(kind) for kind in ("connected", "current", "history")):
            for name in ("permissions", "logs", "messages"):
                if part and part.get(name):
                    part[name] = part[name][:1]
        if "current" in message:
            if message["current"]["state"]["text"] == state:
                continue
            state = message["current"]["state"]["text"]
        yield message


def main() -> int:
    program = Path(os.environ.get("FARM_OCTOPRINT", "octoprint"))
    with tempfile.TemporaryDirectory() as folder, OctoPrint(program, Path(folder)) as server:
        acts = {}
        for name, act in ACTS.items():
            acts[name] = trio.run(converse, server.url, server.api_key, act)
            server.restart()  # each act begins with a fresh one, as each has a simulated printer of its own
    version = acts["introduction"].answers["version"]["body"]["server"]
    written = TRANSCRIPTS / f"conversation-{version}.json"
    told = {name: asdict(shortened(act)) for name, act in acts.items()}
    written.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    print(written)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
