"""A server with one worker at work, for a test that ends it: prints the worker's process id."""

from __future__ import annotations

import sys
from pathlib import Path

import trio

from farm.workers.process import Worker
from farm.workers.surroundings import Surroundings
from farm.workers.wire import Limits

LONG = Limits(memory=200_000_000, processor_s=300, wall_s=300, answer=1000)


async def main(folder: Path, deed: str) -> None:
    worker = Worker("tests.workers.trade", Surroundings(folder))
    await worker.warm_up()
    print(worker.pid, flush=True)  # noqa: T201
    if deed != "idle":
        await worker.do({"deed": deed, "detail": 300}, int, LONG)
    await trio.sleep_forever()


trio.run(main, Path(sys.argv[1]), sys.argv[2])
