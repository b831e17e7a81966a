"""What an error looks like (RFC 9457), and the one table from a code to its HTTP status.

problem = Problem.of("already_active", "Custom domain is active already.", facts={"product": …})
problem.status          # 409
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

CONTENT_TYPE: Final = "application/problem+json"

STATUSES: Final[dict[str, int]] = {
    # The request cannot be read.
    "malformed_json": 400,
    "malformed_request": 400,
    "invalid_message": 400,
    "repeated_field": 400,
    "too_deep": 400,
    "card_data_refused": 400,
    "invalid_header": 400,
    # Who asks.
    "key_missing": 401,
    "key_unknown": 401,
    "key_expired": 401,
    "forbidden": 403,
    "network_refused": 403,
    "limit_exceeded": 403,
    "test_clocks_refused": 403,
    "test_gateway_refused": 403,
    # What is paid.
    "payment_declined": 402,
    "payment_cancelled": 402,
    # What is not there.
    "not_found": 404,
    "unknown_account": 404,
    "unknown_invoice": 404,
    "unknown_credit_note": 404,
    "unknown_version": 404,
    "unknown_position": 404,
    "unknown_product": 404,
    "no_account_yet": 404,
    "no_catalogue": 409,
    "unknown_key": 404,
    "unknown_endpoint": 404,
    "no_details": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "timed_out_reading": 408,
    # The state refuses it.
    "account_exists": 409,
    "wrong_clock": 409,
    "account_closed": 409,
    "payment_in_progress": 409,
    "no_price": 409,
    "own_process": 409,
    "already_active": 409,
    "not_held": 409,
    "plan_paused": 409,
    "not_paused": 409,
    "already_paused": 409,
    "not_pausable": 409,
    "cancellation_pending": 409,
    "change_pending": 409,
    "pause_limit": 409,
    "free_already_used": 409,
    "monthly_plan_active": 409,
    "nothing_to_undo": 409,
    "nothing_due": 409,
    "balance_due": 409,
    "prerequisite_missing": 409,
    "past_due": 409,
    "payment_locked": 409,
    "quote_changed": 409,
    "product_changed": 409,
    "dispute_open": 409,
    "billing_details_missing": 409,
    "discount_over": 409,
    "already_used": 409,
    "not_creditable": 409,
    "over_credited": 409,
    "at_too_early": 409,
    "effective_in_past": 409,
    "catalogue_in_force": 409,
    "key_revoked": 409,
    "too_many_endpoints": 409,
    "account_parked": 409,
    "link_over": 410,
    "version_changed": 412,
    "body_too_large": 413,
    "uri_too_long": 414,
    "unsupported_media_type": 415,
    # What it asks for cannot be.
    "command_id_reused": 422,
    "confirmation_required": 422,
    "invalid_amount": 422,
    "invalid_date": 422,
    "unknown_discount": 422,
    "invalid_field": 422,
    "missing_field": 422,
    "unknown_field": 422,
    "unknown_parameter": 422,
    "invalid_parameter": 422,
    "invalid_text": 422,
    "invalid_moment": 422,
    "nonexistent_time": 422,
    "invalid_currency": 422,
    "unknown_currency": 422,
    "invalid_time_zone": 422,
    "unknown_time_zone": 422,
    "invalid_details": 422,
    "invalid_catalog": 422,
    "invalid_tax": 422,
    "invalid_discounts": 422,
    "invalid_tenant": 422,
    "invalid_role": 422,
    "invalid_name": 422,
    "invalid_network": 422,
    "invalid_url": 422,
    "return_url_refused": 422,
    "invalid_secret": 422,
    "unknown_event_type": 422,
    "id_too_long": 422,
    "line_too_long": 413,
    "test_clock_only": 422,
    "unknown_command": 422,
    "one_moment_only": 422,
    "rate_exceeded": 429,
    "headers_too_large": 431,
    # It passes by itself, or is a fault of ours.
    "internal_error": 500,
    "event_unreadable": 500,
    "row_unreadable": 500,
    "details_unreadable": 500,
    "catalogue_missing": 500,
    "tax_unavailable": 503,
    "unreachable": 503,
    "fate_unknown": 503,
    "contended": 503,
    "gateway_unavailable": 503,
    "clock_ahead": 503,
    "log_unavailable": 503,
    "persons_key_missing": 503,
    "not_settled": 503,
    "not_ready": 503,
    "shutting_down": 503,
    "too_busy": 503,
    "timed_out": 503,
}
"""Code → HTTP status: refusals of commands (`domain.answers`), what is no command, and what the API says."""

RULES: Final[dict[str, str]] = {
    "forbidden": "R43",
    "unknown_account": "R47",
    "account_exists": "R3",
    "account_closed": "R42",
    "wrong_clock": "R97",
    "test_clock_only": "R97",
    "test_clocks_refused": "R97",
    "payment_in_progress": "R16",
    "payment_declined": "R16",
    "payment_cancelled": "R16",
    "payment_locked": "R16",
    "confirmation_required": "R15",
    "card_data_refused": "R15",
    "quote_changed": "R15",
    "unknown_product": "R8",
    "no_catalogue": "R8",
    "no_price": "R8",
    "product_changed": "R8a",
    "invalid_amount": "R5",
    "own_process": "R20",
    "already_active": "R17",
    "not_held": "R26",
    "plan_paused": "R31",
    "not_paused": "R34",
    "already_paused": "R31",
    "not_pausable": "R31",
    "pause_limit": "R33",
    "invalid_date": "R36",
    "cancellation_pending": "R28",
    "change_pending": "R29",
    "nothing_to_undo": "R27",
    "free_already_used": "R22",
    "monthly_plan_active": "R21",
    "nothing_due": "R40",
    "balance_due": "R42",
    "past_due": "R38",
    "prerequisite_missing": "R18",
    "dispute_open": "R58",
    "billing_details_missing": "R70",
    "tax_unavailable": "R71",
    "unknown_discount": "R79",
    "discount_over": "R79",
    "already_used": "R79",
    "unknown_invoice": "R61",
    "not_creditable": "R61",
    "over_credited": "R61",
    "limit_exceeded": "R60",
}
"""Code of a refusal → the rule that it keeps (docs/RULES.md)."""


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem document (RFC 9457) with our own fields: `code` is stable, `message` a sentence for a person
    in their language, `facts` what it speaks of, `rule` the rule of docs/RULES.md, `place` the JSON path, the
    parameter or the header that is meant. `request_id` finds it in the logs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    message: str
    facts: dict[str, Any] = {}
    rule: str | UnsetType = UNSET
    place: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        *,
        facts: dict[str, Any] | None = None,
        place: str | None = None,
        status: int | None = None,
    ) -> Problem:
        """The problem of that code; its status is the table's."""
        found = STATUSES.get(code, 500) if status is None else status
        return cls(
            f"/docs/problems/{code}",
            HTTPStatus(found).phrase,
            found,
            message,
            code,
            message,
            facts or {},
            RULES.get(code, UNSET),
            place or UNSET,
        )


class ProblemFound(Exception):  # noqa: N818 - named for what it is
    """A request that ends with this problem."""

    def __init__(self, problem: Problem, headers: dict[str, str] | None = None) -> None:
        super().__init__(problem.code)
        self.problem, self.headers = problem, headers or {}


def refuse(
    code: str,
    message: str,
    *,
    place: str | None = None,
    headers: dict[str, str] | None = None,
    facts: dict[str, Any] | None = None,
) -> ProblemFound:
    """What is raised to answer with that problem."""
    return ProblemFound(Problem.of(code, message, place=place, facts=facts), headers)
