"""Answers: JSON, and problems as the client's dialect has them. The one place that knows statuses."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from typing import Any

import structlog
from quart import Response, has_request_context, request, websocket
from werkzeug.exceptions import HTTPException
from werkzeug.routing import WebsocketMismatch

from farm.errors import (
    ActorDown,
    ActorFailed,
    AskExpired,
    FarmError,
    Forbidden,
    Invalid,
    NotFound,
    Outdated,
    Overloaded,
    PrinterUnreachable,
    ProtocolError,
    Refused,
    StorageFailed,
    StorageFull,
    TooLarge,
    TooOften,
    Unauthenticated,
    WrongFileType,
)
from farm.live.protocol import as_json
from farm.web.contract import Told
from farm.web.intake import TooSlow
from farm.web.problems import MEDIA, problem_of

log = structlog.get_logger(__name__)

STATUSES: Mapping[type[FarmError], int] = {
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    TooSlow: 408,
    Refused: 409,
    Outdated: 412,
    TooLarge: 413,
    WrongFileType: 415,
    Invalid: 422,
    TooOften: 429,
    PrinterUnreachable: 502,
    ProtocolError: 502,
    Overloaded: 503,
    ActorDown: 503,
    AskExpired: 503,
    ActorFailed: 503,
    StorageFailed: 503,
    StorageFull: 507,
}

# OctoPrint never says 401 (clients take it for a fault of the server, and 403 for a wrong key), and
# calls every wrong request 400.
OCTOPRINT_STATUSES = {**STATUSES, Unauthenticated: 403, Invalid: 400}

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_WEBSOCKET = "open a WebSocket at /v1/live, and nowhere else; it takes nothing else"


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`data` as JSON. Not to be kept by anybody on the way: it is one person's view of one moment."""
    body = as_json(data)
    return Response(
        body, status, {"Cache-Control": "no-store", **(headers or {})}, content_type="application/json"
    )


def respond(told: Any) -> Response:
    """What a route's function answered, as it is sent. See `farm.web.contract`."""
    if isinstance(told, Response):
        return told
    if not isinstance(told, Told):
        return nothing() if told is None else answer(told)
    if told.body is None:
        return nothing(told.headers)
    return answer(told.body, told.status, told.headers)


def nothing(headers: Mapping[str, str] | None = None) -> Response:
    """204: done, and there is nothing to tell."""
    response = Response(b"", 204, {"Cache-Control": "no-store", **(headers or {})})
    del response.headers["Content-Type"]  # of what?
    return response


async def of_farm_error(error: FarmError) -> Response:
    """The answer to a request that met a problem of the caller's or the world's."""
    status = status_of(error)
    if status is None:
        return await of_bug(error)
    headers = {}
    if isinstance(error, TooOften):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    field = error.field if isinstance(error, Invalid) else ""
    return problem(status, str(error), field, headers)


def status_of(error: FarmError) -> int | None:
    """The HTTP status of a problem, in the dialect spoken at this address; None for a mistake of ours."""
    statuses = OCTOPRINT_STATUSES if speaks_octoprint(request.path) else STATUSES
    return next((statuses[kind] for kind in type(error).__mro__ if kind in statuses), None)


async def of_http_exception(error: HTTPException) -> Response:
    """The answer where there is no route for the request."""
    status = error.code or 500
    headers = {}
    valid_methods = getattr(error, "valid_methods", None)
    if valid_methods:
        headers["Allow"] = ", ".join(sorted(valid_methods))
    return problem(status, _WEBSOCKET if isinstance(error, WebsocketMismatch) else "", headers=headers)


async def of_bug(error: Exception) -> Response:
    """The answer to a request that met a mistake of ours: a reference to the log, and nothing else."""
    reference = secrets.token_hex(4)
    asked = request if has_request_context() else websocket
    log.error("request failed", reference=reference, method=asked.method, path=asked.path, exc_info=error)
    return problem(500, f"something went wrong in the farm; its log says more under {reference}")


def problem(
    status: int, sentence: str, field: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """A problem in words, in the shape that the client at this address expects."""
    if has_request_context() and speaks_octoprint(request.path):
        return answer({"error": problem_of(status, sentence).detail}, status, headers)
    response = answer(problem_of(status, sentence, field), status, headers)
    response.content_type = MEDIA
    return response


def speaks_octoprint(path: str) -> bool:
    """Whether a client at this address takes us for an OctoPrint."""
    return "/api/" in path and not path.startswith("/v1/")
