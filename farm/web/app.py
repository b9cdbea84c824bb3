"""All routes put together into the application that the front door serves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from quart import Response, request
from quart_trio import QuartTrio
from werkzeug.exceptions import HTTPException

from farm.errors import FarmError, NotFound
from farm.web import (
    access,
    answers,
    at_once,
    commands,
    console,
    constraints,
    discovery,
    docs,
    durations,
    events,
    files,
    flights,
    hypercorn_cures,
    live,
    login,
    maintenance,
    metrics,
    orders,
    pages,
    plates,
    printer_history,
    printers,
    schedule,
    settings,
    sign_in,
    spools,
    statistics,
    system,
    telemetry,
    work,
)
from farm.web.desk import Desk
from farm.web.octoprint import reads, refusals
from farm.web.octoprint import uploads as octoprint_uploads
from farm.web.routes import Route

_DESCRIBED: tuple[Route, ...] = (
    *system.ROUTES,
    *metrics.ROUTES,
    *login.ROUTES,
    *access.ROUTES,
    *printers.ROUTES,
    *printer_history.ROUTES,
    *durations.ROUTES,
    *telemetry.ROUTES,
    *statistics.ROUTES,
    *discovery.ROUTES,
    *console.ROUTES,
    *flights.ROUTES,
    *maintenance.ROUTES,
    *spools.ROUTES,
    *commands.ROUTES,
    *plates.ROUTES,
    *at_once.ROUTES,
    *files.ROUTES,
    *work.ROUTES,
    *orders.ROUTES,
    *constraints.ROUTES,
    *settings.ROUTES,
    *schedule.ROUTES,
    *events.ROUTES,
    *reads.ROUTES,
    *refusals.ROUTES,
    *octoprint_uploads.ROUTES,
    *pages.ROUTES,
    *sign_in.ROUTES,
)

ALL: tuple[Route, ...] = (*_DESCRIBED, *docs.routes(_DESCRIBED))


def build(desk: Desk) -> QuartTrio:
    """The application. Every address is in a table of routes, each with who may come; others are refused."""
    app = QuartTrio("farm", static_folder=None)
    hypercorn_cures.cure(app)
    # Quart's own limits count what lies in its buffer and cut answers short without a word; what is
    # read is counted and timed by `Intake`, what is sent by `Connection`.
    app.config.update(
        MAX_CONTENT_LENGTH=None, BODY_TIMEOUT=None, RESPONSE_TIMEOUT=None, PROPAGATE_EXCEPTIONS=False
    )
    declared = {f"{route.method} {route.rule}": route for route in ALL}
    for endpoint, route in declared.items():
        app.add_url_rule(
            route.rule,
            endpoint,
            route.view(desk),
            methods=[route.method],
            merge_slashes=route.contract is None,  # by a redirect, which is no answer of ours
            provide_automatic_options=False,
        )
    app.add_websocket(live.RULE, "live", live.live(desk))
    app.before_request(_only(declared))
    app.after_request(_secured)
    app.register_error_handler(FarmError, answers.of_farm_error)
    app.register_error_handler(HTTPException, answers.of_http_exception)
    app.register_error_handler(Exception, answers.of_bug)
    return app


def _only(declared: Mapping[str, Route]) -> Callable[[], Awaitable[None]]:
    async def check() -> None:
        rule = request.url_rule
        if rule is not None and rule.endpoint not in declared:
            raise NotFound("there is nothing at this address")

    return check


async def _secured(response: Response) -> Response:
    for name, value in answers.SECURITY.items():
        response.headers.setdefault(name, value)
    return response
