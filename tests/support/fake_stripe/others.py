"""Customers, methods saved without a payment, refunds and disputes."""

from __future__ import annotations

from typing import Final

from tests.support.fake_stripe.books import Books, Thing
from tests.support.fake_stripe.errors import StripeRefused, card_error, invalid
from tests.support.fake_stripe.forms import Form, check_methods, check_names
from tests.support.fake_stripe.methods import Methods

_SETUP: Final = frozenset({
    "customer", "confirm", "confirmation_token", "allowed_payment_method_types",
    "automatic_payment_methods", "usage", "metadata", "expand",
})  # fmt: skip
_REFUND: Final = frozenset({"payment_intent", "amount", "metadata", "reason", "expand"})
_TEST_CARDS: Final = {"pm_card_visa": "visa", "pm_card_visa_chargeDeclined": "declined"}
_LIST: Final = frozenset({"created", "payment_intent", "limit", "starting_after", "expand"})


class Customers:
    """Customers, and the methods that are saved for them."""

    def __init__(self, books: Books, methods: Methods) -> None:
        self._books = books
        self._methods = methods

    def create(self, form: Form) -> Thing:
        check_names(form, frozenset({"metadata", "description"}))
        return self._books.add("cus", "customer", metadata=form.get("metadata", {}))

    def retrieve_method(self, name: str, form: Form) -> Thing:
        check_names(form, frozenset({"expand"}))
        return self._books.expanded(self._books.get(name, "payment_method"), form)

    def make_token(self, form: Form) -> Thing:
        """Stripe's helper for tests: a confirmation, without a browser."""
        check_names(form, frozenset({"payment_method"}), frozenset({"payment_method"}))
        name = self._methods.token(_TEST_CARDS[form["payment_method"]])
        token = self._books.get(name, "confirmation_token")
        return {field: value for field, value in token.items() if not field.startswith("_")}

    def list_setups(self, form: Form) -> Thing:
        check_names(form, frozenset({"customer", "limit", "starting_after"}))
        return self._books.listed("setup_intent", form, "customer")

    def setup(self, form: Form) -> Thing:
        """Save the method that a token stands for."""
        check_methods(form)
        check_names(form, _SETUP, frozenset({"customer", "confirm", "confirmation_token"}))
        customer = self._books.get(form["customer"], "customer", "customer")
        intent = self._books.add(
            "seti",
            "setup_intent",
            customer=customer["id"],
            metadata=form.get("metadata", {}),
            payment_method_types=form.get("allowed_payment_method_types", ["card"]),
            usage=form.get("usage", "off_session"),
            status="requires_payment_method",
            payment_method=None,
            last_setup_error=None,
            next_action=None,
        )
        method = self._methods.confirming(form, intent, cvc=False)
        behaviour = self._methods.behaviour(method["id"], None)
        if behaviour.refused_at_setup:
            error = behaviour.error(payment_method={"id": method["id"], "type": method["type"]})
            intent["last_setup_error"] = error
            raise card_error(error, setup_intent=self._books.expanded(intent, {}))
        if behaviour.does == "asks" and not behaviour.only_off_session:
            intent.update(status="requires_action", next_action={"type": "use_stripe_sdk"})
            intent["payment_method"] = method["id"]
            return self._books.expanded(intent, form)
        method["customer"] = customer["id"]
        intent.update(status="succeeded", payment_method=method["id"])
        self._books.happened("setup_intent.succeeded", intent)
        return self._books.expanded(intent, form)


class Refunds:
    """Refunds of payment intents."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._failing: set[str] = set()
        self.pending = False
        """Whether refunds wait, as where the account's balance is too low."""

    def fail_for(self, customer: str, *, fail: bool) -> None:
        """Whether the customer's refunds fail from now on."""
        (self._failing.add if fail else self._failing.discard)(customer)

    def create(self, form: Form) -> Thing:
        check_names(form, _REFUND, frozenset({"payment_intent"}))
        with self._books.held(form["payment_intent"], "payment_intent") as intent:
            charge = self._refundable(intent)
            amount = int(form.get("amount", charge["amount"] - charge["amount_refunded"]))
            if amount > charge["amount"] - charge["amount_refunded"]:
                left = charge["amount"] - charge["amount_refunded"]
                message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
                raise invalid(message, None, "amount")
            failed = intent["customer"] in self._failing
            made = "pending" if self.pending else "succeeded"
            refund = self._books.add(
                "re",
                "refund",
                amount=amount,
                currency=intent["currency"],
                charge=charge["id"],
                payment_intent=intent["id"],
                metadata=form.get("metadata", {}),
                status="failed" if failed else made,
                failure_reason="expired_or_canceled_card" if failed else None,
            )
            charge["amount_refunded"] += 0 if failed else amount
            self._books.happened("refund.failed" if failed else "refund.created", refund)
            return self._books.expanded(refund, form)

    def retrieve(self, name: str, form: Form) -> Thing:
        check_names(form, frozenset({"expand"}))
        return self._books.expanded(self._books.get(name, "refund"), form)

    def list(self, form: Form) -> Thing:
        check_names(form, _LIST)
        return self._books.listed("refund", form, "payment_intent")

    def _refundable(self, intent: Thing) -> Thing:
        if intent["status"] != "succeeded":
            message = "This PaymentIntent does not have a successful charge to refund."
            raise invalid(message, "payment_intent_unexpected_state", "payment_intent")
        charge = self._books.get(intent["latest_charge"], "charge")
        if charge["disputed"]:
            message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
            raise invalid(message, "charge_disputed")
        if charge["amount_refunded"] == charge["amount"]:
            raise invalid(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
        return charge


class Disputes:
    """What the customer's bank takes back."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def open(self, intent_name: str, *, status: str = "needs_response") -> Thing:
        """The customer disputes the payment."""
        intent = self._books.get(intent_name, "payment_intent")
        if intent["latest_charge"] is None:
            raise StripeRefused(400, "invalid_request_error", None, "there is nothing to dispute")
        charge = self._books.get(intent["latest_charge"], "charge")
        charge["disputed"] = not status.startswith("warning")
        dispute = self._books.add(
            "dp",
            "dispute",
            amount=charge["amount"],
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=intent["id"],
            reason="fraudulent",
            status=status,
        )
        self._books.happened("charge.dispute.created", dispute)
        return dispute

    def become(self, name: str, status: str) -> None:
        """Won or lost, or another status of a dispute."""
        dispute = self._books.get(name, "dispute")
        dispute["status"] = status
        closed = status in ("won", "lost", "warning_closed")
        self._books.happened("charge.dispute.closed" if closed else "charge.dispute.updated", dispute)

    def retrieve(self, name: str, form: Form) -> Thing:
        check_names(form, frozenset({"expand"}))
        return self._books.expanded(self._books.get(name, "dispute"), form)

    def list(self, form: Form) -> Thing:
        check_names(form, _LIST)
        return self._books.listed("dispute", form, "payment_intent")
