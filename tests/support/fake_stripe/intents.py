"""Payment intents: created, confirmed once or again, cancelled; declined back to where they began."""

from __future__ import annotations

from secrets import token_hex
from typing import Any, Final

from tests.support.fake_stripe.books import Books, Thing
from tests.support.fake_stripe.errors import StripeRefused, card_error, invalid
from tests.support.fake_stripe.forms import Form, check_methods, check_names
from tests.support.fake_stripe.methods import AUTHENTICATION_REQUIRED, Behaviour, Methods

_CREATE: Final = frozenset({
    "amount", "currency", "customer", "payment_method", "allowed_payment_method_types",
    "automatic_payment_methods", "payment_method_options", "setup_future_usage", "metadata", "expand",
})  # fmt: skip
_CONFIRM: Final = frozenset({"payment_method", "confirmation_token", "off_session", "expand"})
_LIST: Final = frozenset({"created", "customer", "limit", "starting_after", "expand"})
_LEAST: Final = 50
"""Minor units; what Stripe's smallest charge is differs by currency."""
_NO_DIGITS: Final = frozenset({"jpy", "krw"})
_THREE_DIGITS: Final = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_WHOLE_HUNDREDS: Final = frozenset({"isk", "ugx"})
_CONFIRMABLE: Final = ("requires_confirmation", "requires_payment_method")
_CANCELLABLE: Final = (*_CONFIRMABLE, "requires_action", "requires_capture")


class PaymentIntents:
    """The state machine of a payment intent."""

    def __init__(self, books: Books, methods: Methods) -> None:
        self._books = books
        self._methods = methods

    def create(self, form: Form) -> Thing:
        check_methods(form)
        check_names(form, _CREATE, frozenset({"amount", "currency"}))
        amount, currency = int(form["amount"]), form["currency"]
        if currency != currency.lower():
            raise invalid(f"Invalid currency: {currency}", "parameter_invalid_enum", "currency")
        if amount < (1 if currency in _NO_DIGITS else _LEAST):
            raise invalid("Amount must be at least €0.50 eur", "amount_too_small", "amount")
        step = 10 if currency in _THREE_DIGITS else 100 if currency in _WHOLE_HUNDREDS else 1
        if amount % step:
            raise invalid(f"Invalid amount of {currency}: {amount}", "parameter_invalid_integer", "amount")
        if "customer" in form:
            self._books.get(form["customer"], "customer", "customer")
        method = form.get("payment_method")
        intent = self._books.add(
            "pi",
            "payment_intent",
            amount=amount,
            amount_received=0,
            currency=currency,
            customer=form.get("customer"),
            metadata=form.get("metadata", {}),
            payment_method=method,
            payment_method_types=form.get("allowed_payment_method_types", ["card"]),
            payment_method_options=form.get("payment_method_options", {}),
            setup_future_usage=form.get("setup_future_usage"),
            status="requires_confirmation" if method else "requires_payment_method",
            last_payment_error=None,
            latest_charge=None,
            next_action=None,
            canceled_at=None,
            cancellation_reason=None,
        )
        intent["client_secret"] = f"{intent['id']}_secret_{token_hex(8)}"
        self._books.happened("payment_intent.created", intent)
        return self._books.expanded(intent, form)

    def retrieve(self, name: str, form: Form) -> Thing:
        check_names(form, frozenset({"expand"}))
        return self._books.expanded(self._books.get(name, "payment_intent"), form)

    def list(self, form: Form) -> Thing:
        check_names(form, _LIST)
        return self._books.listed("payment_intent", form, "customer")

    def confirm(self, name: str, form: Form) -> Thing:
        check_names(form, _CONFIRM)
        with self._books.held(name, "payment_intent") as intent:
            if intent["status"] not in _CONFIRMABLE:
                raise self._unexpected(intent, "confirm")
            cvc = intent["payment_method_options"].get("card", {}).get("require_cvc_recollection") == "true"
            method = self._methods.confirming(form, intent, cvc=cvc)
            behaviour = self._methods.behaviour(method["id"], intent["customer"])
            self._confirmed(intent, method, behaviour, off_session=form.get("off_session") == "true")
            return self._books.expanded(intent, form)

    def cancel(self, name: str, form: Form) -> Thing:
        check_names(form, frozenset({"cancellation_reason", "expand"}))
        reason = form.get("cancellation_reason")
        if reason not in (None, "duplicate", "fraudulent", "requested_by_customer", "abandoned"):
            raise invalid(f"Invalid cancellation_reason: {reason}", None, "cancellation_reason")
        with self._books.held(name, "payment_intent") as intent:
            if intent["status"] not in _CANCELLABLE:
                raise self._unexpected(intent, "cancel")
            intent.update(
                status="canceled",
                canceled_at=int(self._books.now()),
                cancellation_reason=reason,
                next_action=None,
                last_payment_error=None,
            )
            self._books.happened("payment_intent.canceled", intent)
            return self._books.expanded(intent, form)

    def authenticated(self, name: str, *, ok: bool) -> None:
        """The customer's own consent, or that it was not given; nothing, if it is not waited for."""
        with self._books.held(name, "payment_intent") as intent:
            if intent["status"] != "requires_action":
                return
            intent["next_action"] = None
            method = self._books.get(intent["payment_method"], "payment_method")
            if ok:
                self._pays(intent, method)
            else:
                failure = Behaviour("declines", "payment_intent_authentication_failure", None)
                self._declined(intent, method, failure, charged=False)

    def answered_late(self, name: str, *, paid: bool, failure: Behaviour | None = None) -> None:
        """What was `processing` is settled; nothing, if it is not."""
        with self._books.held(name, "payment_intent") as intent:
            if intent["status"] != "processing":
                return
            method = self._books.get(intent["payment_method"], "payment_method")
            if paid:
                self._pays(intent, method)
            else:
                self._declined(intent, method, failure or Behaviour("declines"))

    def _confirmed(self, intent: Thing, method: Thing, behaviour: Behaviour, *, off_session: bool) -> None:
        match behaviour.does:
            case "declines":
                self._declined(intent, method, behaviour)
                raise self._refused(intent)
            case "asks" if off_session:
                self._declined(intent, method, AUTHENTICATION_REQUIRED)
                raise self._refused(intent)
            case "asks" if not behaviour.only_off_session:
                action = {"type": "use_stripe_sdk", "use_stripe_sdk": {}}
                intent.update(status="requires_action", next_action=action, payment_method=method["id"])
                self._books.happened("payment_intent.requires_action", intent)
            case "processes":
                charge = self._charge(intent, method, status="pending")
                intent.update(status="processing", payment_method=method["id"], latest_charge=charge["id"])
                self._books.happened("payment_intent.processing", intent)
            case _:
                self._pays(intent, method)

    def _pays(self, intent: Thing, method: Thing) -> None:
        charge = self._charge(intent, method, status="succeeded", paid=True)
        if intent["setup_future_usage"] is not None or method["customer"] is not None:
            method["customer"] = intent["customer"]
        intent.update(
            status="succeeded",
            amount_received=intent["amount"],
            latest_charge=charge["id"],
            payment_method=method["id"],
            last_payment_error=None,
        )
        self._books.happened("payment_intent.succeeded", intent)

    def _declined(self, intent: Thing, method: Thing, behaviour: Behaviour, *, charged: bool = True) -> None:
        error = behaviour.error(payment_method={"id": method["id"], "type": method["type"]})
        if charged:
            charge = self._charge(
                intent,
                method,
                status="failed",
                failure_code=behaviour.code,
                outcome={
                    "type": "issuer_declined",
                    "reason": behaviour.decline_code,
                    "advice_code": behaviour.advice_code,
                },
            )
            error["charge"] = intent["latest_charge"] = charge["id"]
        intent.update(status="requires_payment_method", last_payment_error=error, payment_method=None)
        self._books.happened("payment_intent.payment_failed", intent)

    def _charge(self, intent: Thing, method: Thing, **fields: Any) -> Thing:
        same = {name: intent[name] for name in ("amount", "currency", "customer", "metadata")}
        return self._books.add(
            "ch",
            "charge",
            payment_intent=intent["id"],
            payment_method=method["id"],
            amount_refunded=0,
            **{"paid": False, "disputed": False, "failure_code": None, "outcome": None} | same | fields,
        )

    def _refused(self, intent: Thing) -> StripeRefused:
        return card_error(intent["last_payment_error"], payment_intent=self._books.expanded(intent, {}))

    def _unexpected(self, intent: Thing, what: str) -> StripeRefused:
        message = f"You cannot {what} this PaymentIntent because it has a status of {intent['status']}."
        shown = self._books.expanded(intent, {})
        refused = invalid(message, "payment_intent_unexpected_state", None, payment_intent=shown)
        refused.started = True
        return refused
