"""A process that answers lines of commands, and charges at Stripe, until it is killed from outside:

    PRORATA_STRIPE_KEY=… PRORATA_STRIPE_URL=… python -m tests.support.service.killed_stripe URL

The confirmations of the lines are made there, as a browser would make them. Payments without an answer are
taken over whatever their age.
"""

import os
import sys
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
import stripe

from eventlog.postgres.log import PostgresEventLog
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.blocking import BlockingService
from service.catalogue_store import PostgresCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import SystemClock
from service.conversing import Ports
from service.gateways.played import DECLINED
from service.gateways.port import Charged, Confirmation, Means
from service.gateways.stripe.books import StripeBooks
from service.gateways.stripe.calls import API_VERSION, StripeCalls
from service.gateways.stripe.gateway import StripeGateway
from service.gateways.stripe.http import Http, within
from service.gateways.stripe.messages import StripeMessages
from service.gateways.stripe.opening import StripeSettings
from service.service import BillingService
from service.session import CommandSession


class ConfirmedAtStripe(StripeGateway):
    """The adapter; a confirmation is made at Stripe when it is needed."""

    def __init__(self, settings: StripeSettings, database_url: str) -> None:
        calls, books = StripeCalls(settings.key, url=settings.url), StripeBooks(database_url)
        super().__init__(calls, books, StripeMessages(calls, books, (), live=False))
        assert settings.url is not None
        self._helper = stripe.StripeClient(
            settings.key,
            stripe_version=API_VERSION,
            http_client=Http(),
            base_addresses={"api": settings.url},
        )

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        means = self._made(means) if isinstance(means, Confirmation) else means
        return await super().charge(key, account_id, amount, currency, means)

    async def save_method(self, account_id: str, method: Confirmation) -> None:
        await super().save_method(account_id, self._made(method))

    def _made(self, token: Confirmation) -> Confirmation:
        card = "pm_card_visa_chargeDeclined" if token == DECLINED else "pm_card_visa"
        with within(10):
            made = self._helper.v1.test_helpers.confirmation_tokens.create({"payment_method": card})
        return Confirmation(made.id)


def main(database_url: str) -> None:
    """Answer the lines on stdin, each at once; then settle every account at its last instant, as the billing
    run does."""
    library = CatalogueLibrary(PostgresCatalogues(database_url))
    with (
        closing(PostgresEventLog(database_url)) as log,
        closing(ConfirmedAtStripe(StripeSettings.of(os.environ), database_url)) as gateway,
    ):
        account_log = BlockingLog(log)
        ports = Ports(account_log, Accounts(account_log), gateway)
        core = BillingService(ports, library, SystemClock(), recover_after=timedelta(0))
        service = BlockingService(core)
        session = CommandSession(core, library, SystemClock(), tenant="main", lives_on="test")
        for line in sys.stdin.buffer:
            print(msgspec.json.encode(session.answer_line(line)).decode(), flush=True)
        for account_id in log.accounts():
            state = service.account(account_id)
            assert state is not None
            service.settle(account_id, state.last_at)


if __name__ == "__main__":
    main(*sys.argv[1:])
