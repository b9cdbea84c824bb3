"""Has the talk with a real OctoPrint: `FARM_OCTOPRINT=... python -m tests.simulator.record_conversation`.

Names of acts behind it have only these anew, beside what is on record. The simulator is held against what is
written down here; see test_against_the_real_octoprint.py.
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


def main(wanted: list[str]) -> int:
    program = Path(os.environ.get("FARM_OCTOPRINT", "octoprint"))
    with tempfile.TemporaryDirectory() as folder, OctoPrint(program, Path(folder)) as server:
        acts = {}
        for name in wanted or ACTS:
            acts[name] = asdict(shortened(trio.run(converse, server.url, server.api_key, ACTS[name])))
            server.restart()  # each act begins with a fresh one, as each has a simulated printer of its own
        version = server.request("GET", "/api/version").json()["server"]
    written = TRANSCRIPTS / f"conversation-{version}.json"
    if wanted:
        acts = json.loads(written.read_text()) | acts
    told = {name: acts[name] for name in ACTS}
    written.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    print(written)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
