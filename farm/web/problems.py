"""Why a request was refused, as every client of the farm's own API reads it (RFC 9457)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Literal

import msgspec

MEDIA = "application/problem+json"

SENTENCES = {
    400: "the farm cannot read this as a request",
    404: "there is nothing at this address",
    405: "this address does not take such requests",
    431: "the request's headers are longer than the farm takes",
    500: "something went wrong in the farm; its log says more",
    501: "the farm takes bodies with their length, or chunked, and in no other way",
}
"""What is said where nobody could say it better."""


class FieldProblem(msgspec.Struct):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(msgspec.Struct):
    """Why a request was refused (RFC 9457). detail: a sentence for people."""

    title: str
    status: int
    detail: str
    errors: Sequence[FieldProblem]
    type: Literal["about:blank"] = "about:blank"


def problem_of(status: int, sentence: str = "", field: str = "") -> Problem:
    """A problem in words. sentence: "" for the usual one. field: the one that is to blame, if any is."""
    title = HTTPStatus(status).phrase
    words = sentence or SENTENCES.get(status, title)
    return Problem(title, status, words, [FieldProblem(field, words)] if field else [])
