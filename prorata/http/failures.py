"""A failure as a problem: what of it a caller is told, and with which status."""

from __future__ import annotations

import logging

import psycopg

from domain.errors import OWN_FAULT, TRY_AGAIN, Failure, InvalidInput
from prorata.http.problems import STATUSES, Problem, ProblemFound

_logger = logging.getLogger(__name__)

AWAY = "the system cannot be reached at the moment: ask again"
FAULT = "this is a fault of Prorata's own: please report it with the request's id"


def problem_of(error: Exception, request_id: str) -> ProblemFound:
    """The problem that the error is told as. What is nobody's fault but ours is logged, and not told."""
    if isinstance(error, ProblemFound):
        return error
    if isinstance(error, InvalidInput):
        return ProblemFound(Problem.of(error.code, error.message, place=error.place or None))
    if isinstance(error, Failure) and error.code in STATUSES:
        headers = {"Retry-After": "1"} if STATUSES[error.code] == 503 else {}
        return ProblemFound(Problem.of(error.code, error.remedy), headers)
    if isinstance(error, psycopg.OperationalError) or (
        isinstance(error, Failure) and error.exit_code == TRY_AGAIN
    ):
        _logger.warning("a request found the system away: %s", error, extra={"request_id": request_id})
        return ProblemFound(Problem.of("unreachable", AWAY), {"Retry-After": "1"})
    fault = isinstance(error, Failure) and error.exit_code != OWN_FAULT
    _logger.error("a request failed", exc_info=error, extra={"request_id": request_id, "foreseen": fault})
    return ProblemFound(Problem.of("internal_error", FAULT))
