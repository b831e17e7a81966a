"""A billing run that kills itself at a given moment:

    python -m tests.support.service.killed_run URL UNTIL MOMENT NTH

MOMENT is one of MOMENTS, or "never"; NTH counts its occurrences from 1. Payments without an answer are taken
over whatever their age.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from domain.events import Clock
from eventlog.port import Outcome
from eventlog.postgres.log import PostgresEventLog
from eventlog.records import Append
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.billing import claims, opening
from service.billing.states import KeptState, Loaded, PostgresStates
from service.blocking import BlockingService
from service.catalogue_store import PostgresCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import SystemClock
from service.conversing import Ports
from service.gateways.port import Charged, Means
from service.gateways.postgres import PostgresTestGateway
from service.service import BillingService
from tests.support.service.killed import Fate

MOMENTS = (
    "after_claim", "before_load", "after_load", "before_append", "after_append", "before_charge",
    "after_charge", "before_finish", "before_keep", "after_keep", "before_release", "after_release",
)  # fmt: skip
"""Moments between the stages of a run."""


class FatedLog(PostgresEventLog):
    """A log around whose batches the process may die."""

    fate: Fate

    def append_many(self, appends: Sequence[Append]) -> list[Outcome]:
        self.fate.at("before_append")
        outcomes = super().append_many(appends)
        self.fate.at("after_append")
        return outcomes


class FatedGateway(PostgresTestGateway):
    """A gateway before or after whose answers the process may die."""

    fate: Fate

    async def charge(
        self, key: UUID, account_id: str, amount: Decimal, currency: str, means: Means
    ) -> Charged:
        self.fate.at("before_charge")
        charged = await super().charge(key, account_id, amount, currency, means)
        self.fate.at("after_charge")
        return charged

    async def finish(self, key: UUID) -> Charged:
        self.fate.at("before_finish")
        return await super().finish(key)


def main(database_url: str, until: str, moment: str, nth: str) -> None:
    """Bill the accounts on the test clock; print the number of events."""
    fate = Fate(moment, int(nth))

    class FatedStates(PostgresStates):
        def load(self, account_ids: Sequence[str], *, whole: bool = False) -> list[Loaded]:
            fate.at("before_load")
            loaded = super().load(account_ids, whole=whole)
            fate.at("after_load")
            return loaded

        def keep(self, states: Sequence[KeptState]) -> None:
            fate.at("before_keep")
            super().keep(states)
            fate.at("after_keep")

    class FatedClaims(claims.PostgresClaims):
        def claim(
            self, clock: Clock, until: datetime, since: datetime, wanted: Collection[int], most: int
        ) -> list[int]:
            claimed = super().claim(clock, until, since, wanted, most)
            fate.at("after_claim")
            return claimed

        def release(self, clock: Clock, parts: object, until: datetime | None) -> None:
            fate.at("before_release")
            super().release(clock, parts, until)  # type: ignore[arg-type]
            fate.at("after_release")

    vars(opening).update(PostgresStates=FatedStates, PostgresClaims=FatedClaims)
    log, gateway = FatedLog(database_url), FatedGateway(database_url)
    log.fate = gateway.fate = fate
    library, clock = CatalogueLibrary(PostgresCatalogues(database_url)), SystemClock()
    account_log = BlockingLog(log)
    ports = Ports(account_log, Accounts(account_log), gateway)
    service = BlockingService(BillingService(ports, library, clock, recover_after=timedelta(0)))
    gateways: dict[Clock, PostgresTestGateway] = {"test": gateway}
    with opening.opened_billing(
        database_url, service, log, gateways, library, clock, recover_after=timedelta(0)
    ) as billing:
        report = billing.run_due("test", datetime.fromisoformat(until))
        print(report.events)
    os._exit(1 if report.failed or report.waiting else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
