"""What the fake's payment methods do when they are charged, and the tokens that stand for them."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from tests.support.fake_stripe.books import Books, Thing
from tests.support.fake_stripe.errors import StripeRefused, invalid, missing

_TOKEN_SECONDS = 12 * 3600


class Behaviour(msgspec.Struct, frozen=True):
    """`asks`: for the customer's consent, at every payment or, with `only_off_session`, only where the
    customer is not there. `processes`: the answer comes days later."""

    does: Literal["pays", "declines", "asks", "processes"] = "pays"
    code: str = "card_declined"
    decline_code: str | None = "generic_decline"
    advice_code: str | None = None
    type: Literal["card", "sepa_debit"] = "card"
    only_off_session: bool = False
    refused_at_setup: bool = False

    def error(self, **more: Any) -> Thing:
        """The error of its decline, as `last_payment_error` has it."""
        message = f"Your card was declined ({self.decline_code or self.code})."
        found = {
            "type": "card_error",
            "code": self.code,
            "decline_code": self.decline_code,
            "advice_code": self.advice_code,
            "message": message,
            **more,
        }
        return {name: value for name, value in found.items() if value is not None}


def declines(decline_code: str, *, code: str = "card_declined", advice: str | None = None) -> Behaviour:
    """A card that is declined so."""
    return Behaviour("declines", code, decline_code, advice)


AUTHENTICATION_REQUIRED: Final = declines("authentication_required", code="authentication_required")
METHODS: Final = {
    "visa": Behaviour(),
    "declined": declines("generic_decline"),
    "insufficient_funds": declines("insufficient_funds", advice="try_again_later"),
    "lost_card": declines("lost_card"),
    "do_not_try_again": declines("do_not_honor", advice="do_not_try_again"),
    "expired_card": Behaviour("declines", "expired_card", None),
    "incorrect_cvc": Behaviour("declines", "incorrect_cvc", None),
    "asks": Behaviour("asks"),
    "asks_off_session": Behaviour("asks", only_off_session=True),
    "refused_at_setup": Behaviour("declines", decline_code="stolen_card", refused_at_setup=True),
    "sepa": Behaviour("processes", type="sepa_debit"),
}
"""By the names that the tests use."""


class Methods:
    """Payment methods, customers and tokens."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._behaviours: dict[str, Behaviour] = {}
        self._customers: dict[str, Behaviour] = {}

    def token(self, method: str | Behaviour, *, saved: str | None = None, cvc: bool = True) -> str:
        """What the customer's browser makes: of a new method, or of the `saved` one; whether its digits were
        entered again."""
        behaviour = METHODS[method] if isinstance(method, str) else method
        name = saved or self.method(behaviour)["id"]
        options = {"card": {"cvc_token": "cvctok_1" if saved and cvc else None}}
        token = self._books.add(
            "ctoken",
            "confirmation_token",
            payment_method=saved,
            payment_method_preview={"type": behaviour.type},
            payment_method_options=options,
            expires_at=int(self._books.now()) + _TOKEN_SECONDS,
            payment_intent=None,
            setup_intent=None,
        )
        token["_method"] = name
        token["_entered"] = saved is None or cvc
        return str(token["id"])

    def method(self, behaviour: Behaviour) -> Thing:
        """A new method, attached to nobody."""
        details = {behaviour.type: {"last4": "4242"}}
        method = self._books.add("pm", "payment_method", type=behaviour.type, customer=None, **details)
        self._behaviours[method["id"]] = behaviour
        return method

    def answer_as(self, customer: str, behaviour: Behaviour | None) -> None:
        """Every payment of the customer from now on; None: as its method does."""
        self._customers.pop(customer, None)
        if behaviour is not None:
            self._customers[customer] = behaviour

    def behaviour(self, method: str, customer: str | None) -> Behaviour:
        """What the method does for that customer. Its own decline comes first."""
        own = self._behaviours[method]
        played = self._customers.get(customer) if customer is not None else None
        return own if played is None or own.does != "pays" else played

    def confirming(self, form: dict[str, Any], intent: Thing, *, cvc: bool) -> Thing:
        """The method that the request confirms with, its token used up. Raises what Stripe says otherwise."""
        if "confirmation_token" in form:
            return self._of_token(form["confirmation_token"], intent, cvc=cvc)
        name = form.get("payment_method") or intent["payment_method"]
        if name is None:
            message = "You cannot confirm this PaymentIntent because it's missing a payment method."
            raise StripeRefused(400, "invalid_request_error", "payment_intent_unexpected_state", message)
        method = self._books.get(name, "payment_method", "payment_method")
        if method["customer"] not in (None, intent["customer"]):
            raise missing("payment_method", name, "payment_method")
        return self._of_type(method, intent)

    def _of_token(self, name: str, intent: Thing, *, cvc: bool) -> Thing:
        token = self._books.get(name, "confirmation_token", "confirmation_token")
        used = token["payment_intent"] or token["setup_intent"]
        if used is not None or token["expires_at"] <= self._books.now():
            message = f"The ConfirmationToken {name} was already used to confirm {used}."
            raise invalid(message, None, "confirmation_token")
        method = self._books.get(token["_method"], "payment_method")
        if method["customer"] not in (None, intent["customer"]):
            raise missing("payment_method", method["id"], "confirmation_token")
        if cvc and not token["_entered"]:
            message = "This PaymentIntent requires the CVC to be collected again."
            raise invalid(message, "payment_intent_unexpected_state", "confirmation_token")
        token[intent["object"]] = intent["id"]
        return self._of_type(method, intent)

    def _of_type(self, method: Thing, intent: Thing) -> Thing:
        if method["type"] not in intent["payment_method_types"]:
            message = "The PaymentMethod provided is not allowed for this PaymentIntent."
            raise invalid(message, "payment_intent_invalid_parameter", "payment_method")
        return method
