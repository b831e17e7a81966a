"""The form in which Stripe's API is asked: `a[b][0]=c`."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from tests.support.fake_stripe.errors import invalid

Form = dict[str, Any]


def parsed(text: str) -> Form:
    """The nested form; every value is a text, a list or a form."""
    found: Form = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        *way, last = name.replace("]", "").split("[")
        place = found
        for step in way:
            place = place.setdefault(step, {})
        place[last] = value
    return {name: _with_lists(value) for name, value in found.items()}


def check_names(form: Form, known: frozenset[str], required: frozenset[str] = frozenset()) -> None:
    """Raise what Stripe says of a parameter that it does not know, or that lacks."""
    for name in form.keys() - known:
        raise invalid(f"Received unknown parameter: {name}", "parameter_unknown", name)
    for name in required - form.keys():
        raise invalid(f"Missing required param: {name}.", "parameter_missing", name)


def check_methods(form: Form) -> None:
    """Raise what Stripe says of the old list of methods, or of methods that may lead away from the page."""
    if "payment_method_types" in form:
        message = "payment_method_types is no longer supported: use allowed_payment_method_types."
        raise invalid(message, "payment_method_types_no_longer_supported", "payment_method_types")
    if form.get("automatic_payment_methods", {}).get("allow_redirects") != "never":
        raise invalid(
            "This PaymentIntent might redirect: a return_url must be specified.", None, "return_url"
        )


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_with_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _with_lists(inner) for name, inner in value.items()}
