"""The customer that an account is at Stripe, and the method that is saved for it (R56)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

import stripe
from stripe.params import SetupIntentCreateParams

from service.errors import GatewayUnavailable
from service.gateways.port import Confirmation
from service.gateways.stripe.books import MethodRow, StripeBooks
from service.gateways.stripe.calls import ACCOUNT, StripeCalls
from service.gateways.stripe.declines import (
    AUTHENTICATION_REQUIRED,
    METHOD_GONE,
    WRONG_DETAILS,
    Declined,
    declined,
)
from service.gateways.stripe.seen import Codes, Setup

_DIGEST: Final = "prorata_token"
"""Under which name a setup says which token it was made with, without telling it."""


class SavedMethods:
    """Saves methods for payments that nobody is there for.

    A method that Stripe refuses to save is saved as refused: every payment by it is declined alike, without
    asking Stripe, until another one is saved.
    """

    def __init__(self, calls: StripeCalls, books: StripeBooks) -> None:
        self._calls = calls
        self._books = books

    async def customer(self, account_id: str) -> MethodRow:
        """The account's customer, created at Stripe if there is none: one more there is nobody's."""
        row = await self._books.method(account_id)
        if row is not None:
            return row
        created = await self._calls.create_customer(account_id, f"customer-{_digest(account_id)}")
        return await self._books.customer_added(account_id, created)

    async def save(self, account_id: str, method: Confirmation) -> None:
        """From now on the method that the token stands for pays."""
        customer = (await self.customer(account_id)).customer
        try:
            setup = await self._set_up(account_id, customer, method)
        except stripe.CardError as error:
            await self._refused(account_id, customer, _declined_by(error))
            return
        except _NotTheirs:
            await self._refused(account_id, customer, WRONG_DETAILS)
            return
        except stripe.InvalidRequestError as error:
            said = f"Stripe refused the request ({error.code or error.http_status})"
            raise GatewayUnavailable(said) from None
        if setup.status == "succeeded" and setup.payment_method is not None:
            saved = await self._calls.method(setup.payment_method)
            await self._books.set_method(MethodRow(account_id, customer, saved.id, saved.type))
        elif setup.last_setup_error is not None:
            await self._refused(account_id, customer, declined(setup.last_setup_error))
        elif setup.status == "requires_action":
            await self._refused(account_id, customer, AUTHENTICATION_REQUIRED)
        else:
            raise GatewayUnavailable(f"Stripe has not saved the method yet ({setup.status})")

    async def take_over(self, account_id: str, reference: Confirmation) -> None:
        """From now on this method pays, which is a customer's at Stripe already, from before Prorata: the
        account is that customer."""
        try:
            saved = await self._calls.method(reference.token)
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise GatewayUnavailable(f"Stripe refused the request ({error.code})") from None
            saved = None
        if saved is None or saved.customer is None:
            customer = (await self.customer(account_id)).customer
            await self._refused(account_id, customer, METHOD_GONE)
        else:
            await self._books.set_method(MethodRow(account_id, saved.customer, saved.id, saved.type))

    async def first(self, account_id: str, method: str) -> None:
        """What has paid is saved, if nothing was."""
        row = await self._books.method(account_id)
        if row is not None and row.method is None and row.refused is None:
            saved = await self._calls.method(method)
            await self._books.first_method(account_id, saved.id, saved.type)

    async def _set_up(self, account_id: str, customer: str, method: Confirmation) -> Setup:
        """Confirm a setup with the token, once: where that was done before, what it came to. A token may also
        name a setup that the customer's browser has confirmed."""
        digest = _digest(account_id, method.token)
        if method.token.startswith("seti_"):
            return await self._found(customer, lambda setup: setup.id == method.token)
        params: SetupIntentCreateParams = {
            "customer": customer,
            "confirm": True,
            "confirmation_token": method.token,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "allowed_payment_method_types": ["card", "sepa_debit"],
            "usage": "off_session",
            "metadata": {ACCOUNT: account_id, _DIGEST: digest},
        }
        try:
            return await self._calls.set_up(params, f"setup-{digest}")
        except stripe.InvalidRequestError as error:
            if error.param != "confirmation_token":
                raise
        return await self._found(customer, lambda setup: setup.metadata.get(_DIGEST) == digest)

    async def _found(self, customer: str, wanted: Callable[[Setup], bool]) -> Setup:
        async for setup in self._calls.setups_of(customer):
            confirmed = setup.status != "requires_payment_method" or setup.last_setup_error is not None
            if wanted(setup) and confirmed:
                return setup
        raise _NotTheirs

    async def _refused(self, account_id: str, customer: str, by: Declined) -> None:
        await self._books.set_method(
            MethodRow(account_id, customer, declined=by.answer, decline_reason=by.reason)
        )


class _NotTheirs(Exception):  # noqa: N818 - named for what happened
    """The token stands for nothing, or for nothing of this customer's."""


def _declined_by(error: stripe.CardError) -> Declined:
    said = error.error
    return declined(
        Codes(
            error.code,
            None if said is None else said.decline_code,
            None if said is None else said.advice_code,
        )
    )


def _digest(*parts: str) -> str:
    """A name of them that tells nobody what they are."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
