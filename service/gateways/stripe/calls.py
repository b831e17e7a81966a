"""Asks Stripe: again where that is safe, within the seconds that a call of ours has; what brings no answer is
GatewayUnavailable.

Nothing of a request is written anywhere. Stripe's messages may hold the token of a confirmation, so an error
of ours names Stripe's codes and its request, never its message; httpx logs addresses, so no token is in one.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, ParamSpec, TypeVar

import httpx
import stripe
from stripe.params import (
    DisputeListParams,
    PaymentIntentConfirmParams,
    PaymentIntentCreateParams,
    PaymentIntentListParams,
    RefundCreateParams,
    RefundListParams,
    SetupIntentCreateParams,
    SetupIntentListParams,
)

from service.errors import GatewayUnavailable
from service.gateways.stripe.http import Http, seconds_left, within
from service.gateways.stripe.seen import Customer, Dispute, Intent, Method, Refund, Setup, read
from service.gateways.stripe.waiting import in_a_loop, sleep

P = ParamSpec("P")
T = TypeVar("T")

API_VERSION: Final = "2026-10-28.endive"
"""The version that requests and messages are written in, whatever the account's default is."""

KEY: Final = "prorata_key"
ACCOUNT: Final = "prorata_account"
"""Under which names what is made at Stripe says whose it is."""

_PAUSES: Final = (0.2, 0.4)
_BUSY: Final = 1.0
"""Seconds after which to come again to a busy Stripe, which often does not say."""

_PAGE: Final = 100


class StripeCalls:
    """What of Stripe's API the adapter uses. With an event loop it suspends, without one it blocks.

    `patience`: seconds that a call of the port may take in all. Raises GatewayUnavailable, but for
    `stripe.CardError` and `stripe.InvalidRequestError`: those are answers.
    """

    def __init__(self, key: str, *, url: str | None = None, patience: float = 7.0) -> None:
        self._patience = patience
        self._http = Http()
        self._client = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            http_client=self._http,
            max_network_retries=0,
            base_addresses={} if url is None else {"api": url},
        )
        _silence()

    def close(self) -> None:
        """Close the connections that were made without an event loop."""
        self._http.close()

    async def aclose(self) -> None:
        """Close the connections of this event loop, too."""
        await self._http.close_async()
        self.close()

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """All requests in it together have the time of one call of the port."""
        with within(self._patience):
            yield

    async def create_intent(self, params: PaymentIntentCreateParams, once: str) -> Intent:
        """Create it without confirming it."""
        intents = self._client.v1.payment_intents
        return read(
            Intent, await self._ask(intents.create, intents.create_async, params, {"idempotency_key": once})
        )

    async def confirm(self, intent: str, params: PaymentIntentConfirmParams, once: str) -> Intent:
        """Charge it. Raises NotDone where Stripe was too busy to begin with it."""
        intents = self._client.v1.payment_intents
        return read(
            Intent,
            await self._tried(
                intents.confirm, intents.confirm_async, intent, params, {"idempotency_key": once}
            ),
        )

    async def intent(self, intent: str) -> Intent:
        """As it is now, with its latest charge."""
        intents = self._client.v1.payment_intents
        return read(
            Intent,
            await self._ask(intents.retrieve, intents.retrieve_async, intent, {"expand": ["latest_charge"]}),
        )

    async def cancel(self, intent: str) -> Intent:
        """Let it never be charged: what is cancelled stays so."""
        intents = self._client.v1.payment_intents
        return read(
            Intent,
            await self._ask(
                intents.cancel, intents.cancel_async, intent, {"cancellation_reason": "abandoned"}
            ),
        )

    async def create_customer(self, account_id: str, once: str) -> str:
        """Its name."""
        customers = self._client.v1.customers
        made = await self._ask(
            customers.create,
            customers.create_async,
            {"metadata": {ACCOUNT: account_id}},
            {"idempotency_key": once},
        )
        return read(Customer, made).id

    async def set_up(self, params: SetupIntentCreateParams, once: str) -> Setup:
        """Save a method."""
        setups = self._client.v1.setup_intents
        return read(
            Setup, await self._ask(setups.create, setups.create_async, params, {"idempotency_key": once})
        )

    async def setups_of(self, customer: str) -> AsyncIterator[Setup]:
        """All of the customer's setup intents, newest first."""
        params: SetupIntentListParams = {"customer": customer, "limit": _PAGE}
        setups = self._client.v1.setup_intents
        while True:
            with self.in_time():
                page = await self._ask(setups.list, setups.list_async, params)
            for seen in page.data:
                yield read(Setup, seen)
            if not page.has_more:
                return
            params["starting_after"] = page.data[-1].id

    async def method(self, name: str) -> Method:
        """A saved method."""
        methods = self._client.v1.payment_methods
        return read(Method, await self._ask(methods.retrieve, methods.retrieve_async, name))

    async def create_refund(self, params: RefundCreateParams, once: str) -> Refund:
        """Give money back."""
        refunds = self._client.v1.refunds
        return read(
            Refund, await self._ask(refunds.create, refunds.create_async, params, {"idempotency_key": once})
        )

    async def refund(self, name: str) -> Refund:
        """As it is now, with its payment intent."""
        refunds = self._client.v1.refunds
        return read(
            Refund,
            await self._ask(refunds.retrieve, refunds.retrieve_async, name, {"expand": ["payment_intent"]}),
        )

    async def dispute(self, name: str) -> Dispute:
        """As it is now."""
        disputes = self._client.v1.disputes
        return read(
            Dispute,
            await self._ask(disputes.retrieve, disputes.retrieve_async, name, {"expand": ["payment_intent"]}),
        )

    async def intents_between(self, begin: int, end: int) -> AsyncIterator[Intent]:
        """Those created in the Unix seconds `[begin, end)`, newest first."""
        params: PaymentIntentListParams = {
            "created": {"gte": begin, "lt": end},
            "expand": ["data.latest_charge"],
            "limit": _PAGE,
        }
        intents = self._client.v1.payment_intents
        while True:
            with self.in_time():
                page = await self._ask(intents.list, intents.list_async, params)
            for seen in page.data:
                yield read(Intent, seen)
            if not page.has_more:
                return
            params["starting_after"] = page.data[-1].id

    async def disputes_between(self, begin: int, end: int) -> AsyncIterator[Dispute]:
        """Likewise."""
        params: DisputeListParams = {
            "created": {"gte": begin, "lt": end},
            "expand": ["data.payment_intent"],
            "limit": _PAGE,
        }
        disputes = self._client.v1.disputes
        while True:
            with self.in_time():
                page = await self._ask(disputes.list, disputes.list_async, params)
            for seen in page.data:
                yield read(Dispute, seen)
            if not page.has_more:
                return
            params["starting_after"] = page.data[-1].id

    async def refunds_between(self, begin: int, end: int) -> AsyncIterator[Refund]:
        """Likewise, each with its payment intent."""
        found: RefundListParams = {"created": {"gte": begin, "lt": end}, "expand": ["data.payment_intent"]}
        async for refund in self._refunds(found):
            yield refund

    async def refunds_of(self, intent: str) -> AsyncIterator[Refund]:
        """All refunds of the payment intent. A list is up to date; a search is not for up to an hour."""
        async for refund in self._refunds({"payment_intent": intent}):
            yield refund

    async def _refunds(self, params: RefundListParams) -> AsyncIterator[Refund]:
        params["limit"] = _PAGE
        refunds = self._client.v1.refunds
        while True:
            with self.in_time():
                page = await self._ask(refunds.list, refunds.list_async, params)
            for seen in page.data:
                yield read(Refund, seen)
            if not page.has_more:
                return
            params["starting_after"] = page.data[-1].id

    async def _ask(
        self, block: Callable[P, T], suspend: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer."""
        try:
            return await self._tried(block, suspend, *args, **kwargs)
        except NotDone as error:
            raise error.unavailable from None

    async def _tried(
        self, block: Callable[P, T], suspend: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer. It is asked again after no answer, which Stripe's idempotency keys make safe, and when
        Stripe is busy, as it says."""
        nth, begun = 0, False
        while True:
            try:
                return await suspend(*args, **kwargs) if in_a_loop() else block(*args, **kwargs)
            except (stripe.CardError, stripe.InvalidRequestError):
                raise
            except (stripe.StripeError, httpx.HTTPError) as error:
                pause, begun = _pause_after(error, nth), begun or not _is_busy(error)
                if pause is None or pause > seconds_left() / 2:
                    raise _no_answer(error) if begun else NotDone(_no_answer(error)) from None
            await sleep(pause)
            nth += 1


class NotDone(Exception):  # noqa: N818 - named for what happened
    """Stripe has not begun with the request, nor has any attempt at it reached it."""

    def __init__(self, unavailable: GatewayUnavailable) -> None:
        super().__init__(unavailable)
        self.unavailable = unavailable


def _is_busy(error: stripe.StripeError | httpx.HTTPError) -> bool:
    """Whether it was too much for Stripe's rate limit, or for our connections: nothing was done. A lock is
    another matter: what holds it may be an earlier attempt of ours."""
    if isinstance(error, stripe.RateLimitError):
        return _code(error) != "lock_timeout"
    return isinstance(error, httpx.PoolTimeout)


def _code(error: stripe.StripeError) -> str:
    return "" if error.error is None else error.error.code or ""


def _no_answer(error: stripe.StripeError | httpx.HTTPError) -> GatewayUnavailable:
    """What may be told of it: never Stripe's message."""
    if isinstance(error, httpx.HTTPError):
        said = f"no connection to Stripe ({type(error).__name__})"
        return GatewayUnavailable(said, retry_after=_BUSY if _is_busy(error) else None)
    code = _code(error)
    match error:
        case stripe.RateLimitError():
            said = f"Stripe is busy ({code or 'rate_limit'})"
        case stripe.AuthenticationError() | stripe.PermissionError():
            said = f"Stripe does not accept PRORATA_STRIPE_KEY ({error.http_status})"
        case _:
            said = f"Stripe answered {error.http_status} {code}".rstrip()
    request = f", request {error.request_id}" if error.request_id else ""
    later = _retry_after(error) or (_BUSY if _is_busy(error) else None)
    return GatewayUnavailable(f"{said}{request}", retry_after=later)


def _header(error: stripe.StripeError, name: str) -> str:
    headers: Mapping[str, str] = error.headers or {}
    return headers.get(name, "")


def _retry_after(error: stripe.StripeError) -> float | None:
    try:
        return float(_header(error, "retry-after"))
    except ValueError:
        return None


def _pause_after(error: stripe.StripeError | httpx.HTTPError, nth: int) -> float | None:
    """Seconds until it may be asked again; None: it may not, or would be answered alike."""
    if nth == len(_PAUSES):
        return None
    pause = _PAUSES[nth]
    if isinstance(error, httpx.HTTPError):
        return pause
    if _header(error, "stripe-should-retry") == "false":
        return None
    if isinstance(error, stripe.RateLimitError):
        return max(pause, _retry_after(error) or 0.0)
    return pause if error.http_status == 409 else None


def _silence() -> None:
    """Stripe's package writes each request with its parameters, tokens among them, at the level `debug`, and
    httpx each address, with the names of customers' methods, at `info`."""
    for name in ("stripe", "httpx"):
        logging.getLogger(name).setLevel(logging.WARNING)
