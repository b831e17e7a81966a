"""The fake's refusals, with Stripe's words."""

from __future__ import annotations

from typing import Any


class StripeRefused(Exception):  # noqa: N818 - named for what happened
    """An answer that is an error. `started`: the request had begun to execute, so that its idempotency key
    keeps this answer, too."""

    def __init__(
        self,
        status: int,
        error_type: str,
        code: str | None,
        message: str,
        *,
        started: bool = False,
        param: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.started = started
        fields = {"type": error_type, "code": code, "message": message, "param": param, **more}
        self.body = {"error": {name: value for name, value in fields.items() if value is not None}}


def invalid(message: str, code: str | None = None, param: str | None = None, **more: Any) -> StripeRefused:
    """A request that Stripe does not take."""
    return StripeRefused(400, "invalid_request_error", code, message, param=param, **more)


def missing(kind: str, name: str, param: str = "id") -> StripeRefused:
    """A name of nothing."""
    message = f"No such {kind}: '{name}'"
    return StripeRefused(404, "invalid_request_error", "resource_missing", message, param=param)


def locked() -> StripeRefused:
    """Another request holds the object."""
    message = (
        "This object cannot be accessed right now because another API request is currently accessing it."
    )
    return StripeRefused(429, "invalid_request_error", "lock_timeout", message)


def card_error(error: dict[str, Any], **more: Any) -> StripeRefused:
    """A decline."""
    fields = {name: value for name, value in error.items() if name not in ("type", "code", "message")}
    return StripeRefused(402, "card_error", error["code"], error["message"], started=True, **fields, **more)
