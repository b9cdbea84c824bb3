"""GET /metrics: the farm's numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

import trio
from quart import Response

from farm.access.rights import Action
from farm.domain.job import PrintState
from farm.errors import FarmError
from farm.store import numbers
from farm.web.desk import Desk
from farm.web.routes import Call, Route
from farm.web.system import LOOK_WITHIN_S, look_around


async def show_metrics(call: Call) -> Response:
    """Every number there is of the farm; what cannot be had at the moment is left out."""
    from farm.web import prometheus  # 40 ms of every start, and most farms are never scraped

    look, _, measured = await look_around(call.desk)
    text = prometheus.text_of(call.desk.version, look, await _prints(call.desk), measured)
    return Response(text, content_type=prometheus.CONTENT_TYPE)


async def _prints(desk: Desk) -> Mapping[PrintState, int] | None:
    """By state; None while the database does not answer."""
    try:
        with trio.fail_after(LOOK_WITHIN_S):
            return await desk.database.read(numbers.prints)
    except (FarmError, trio.TooSlowError):
        return None


ROUTES = (Route("GET", "/metrics", show_metrics, Action.READ_SYSTEM),)
