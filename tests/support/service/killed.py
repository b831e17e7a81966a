"""A process that answers lines of commands and kills itself at a given moment:

    python -m tests.support.service.killed URL MOMENT NTH

MOMENT is one of MOMENTS, or "never"; NTH counts its occurrences from 1. Payments without an answer are taken
over whatever their age, even those of another live process.
"""

import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import msgspec

from eventlog import Head, NewEvent, StoredEvent
from eventlog.postgres.log import PostgresEventLog
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.blocking import BlockingService
from service.catalogue_store import PostgresCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import SystemClock
from service.conversing import Ports
from service.gateways.port import Charged, Means, RefundMade
from service.gateways.postgres import PostgresTestGateway
from service.service import BillingService
from service.session import CommandSession

MOMENTS = (
    "before_intent", "before_charge", "before_finish", "after_charge", "after_finish", "before_conclusion",
    "after_conclusion",
)  # fmt: skip
"""Moments between intent, charge and answer, and while a payment that was left open is taken over."""

REFUND_MOMENTS = ("before_refund", "after_refund")
"""Moments around a refund, whose intent and conclusion are a conclusion's."""


class Fate:
    """Kills the process, as kill -9 does, when the moment comes for the nth time."""

    def __init__(self, moment: str, nth: int) -> None:
        self._moment = moment
        self._left = nth

    def at(self, moment: str) -> None:
        """Note that the moment has come."""
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class FatedLog(PostgresEventLog):
    """A log around whose appends the process may die."""

    fate: Fate

    def append(self, account_id: str, head: Head, events: Sequence[NewEvent]) -> list[StoredEvent]:
        intent = events[-1].type in ("payment_started", "cycles_renewed")
        concludes = not intent and events[-1].type != "account_opened"
        if intent:
            self.fate.at("before_intent")
        if concludes:
            self.fate.at("before_conclusion")
        stored = super().append(account_id, head, events)
        if concludes:
            self.fate.at("after_conclusion")
        return stored


class FatedGateway(PostgresTestGateway):
    """A gateway before or after whose commits the process may die."""

    fate: Fate

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        self.fate.at("before_charge")
        answer = await super().charge(key, account_id, amount, currency, means)
        self.fate.at("after_charge")
        return answer

    async def finish(self, key: UUID) -> Charged:
        self.fate.at("before_finish")
        answer = await super().finish(key)
        self.fate.at("after_finish")
        return answer

    async def refund(
        self, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
    ) -> RefundMade:
        self.fate.at("before_refund")
        answer = await super().refund(key, charge, account_id, amount, currency)
        self.fate.at("after_refund")
        return answer


def main(database_url: str, moment: str, nth: str) -> None:
    """Answer the lines on stdin, each at once; then settle every account at its last instant, as the billing
    run does."""
    fate = Fate(moment, int(nth))
    log, gateway = FatedLog(database_url), FatedGateway(database_url)
    log.fate = gateway.fate = fate
    library = CatalogueLibrary(PostgresCatalogues(database_url))
    account_log = BlockingLog(log)
    core = BillingService(
        Ports(account_log, Accounts(account_log), gateway), library, SystemClock(), recover_after=timedelta(0)
    )
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
