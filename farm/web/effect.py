"""What a change that is only tried would do to the plan."""

from __future__ import annotations

import trio

from farm.domain.constraints import Constraints
from farm.domain.settings import Settings
from farm.errors import Overloaded, Refused
from farm.live import plan_shapes
from farm.live.plan_shapes import Effect, Eyes
from farm.schedule.messages import CompareRules
from farm.web.printers import readable_ids
from farm.web.routes import Call
from farm.web.work import visible_jobs

WITHIN_S = 30.0  # the scheduler itself says sooner that it has no time
NO_TIME = "the farm had no time to find out; try it again in a moment"


async def eyes_of(call: Call) -> Eyes:
    """What the asker may see of plans."""
    return Eyes(await readable_ids(call), await visible_jobs(call))


async def would_do(
    call: Call, constraints: Constraints | None = None, settings: Settings | None = None
) -> Effect:
    """What these rules would do to the plan in the place of the shop's own, None for its own.

    Where that cannot be known now it says why: the rules themselves may be right all the same.
    """
    try:
        found = await call.desk.scheduler.ask(CompareRules(constraints, settings), timeout=WITHIN_S)
    except (Refused, Overloaded) as problem:
        return plan_shapes.unknown_effect(str(problem))
    except trio.TooSlowError:
        return plan_shapes.unknown_effect(NO_TIME)
    return plan_shapes.of_effect(found, await eyes_of(call))
