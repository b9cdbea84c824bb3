"""GET /metrics: the farm's numbers for Prometheus."""

from __future__ import annotations

from quart import Response

from farm.access.rights import Action
from farm.web.routes import Call, Route
from farm.web.system import look_around


async def show_metrics(call: Call) -> Response:
    """Every number there is of the farm; what cannot be had at the moment is left out."""
    from farm.web import prometheus  # 40 ms of every start, and most farms are never scraped

    look, _, measured = await look_around(call.desk)
    text = prometheus.text_of(call.desk.version, look, measured)
    return Response(text, content_type=prometheus.CONTENT_TYPE)


ROUTES = (Route("GET", "/metrics", show_metrics, Action.READ_SYSTEM),)
