"""The synchronous door to the service: for scripts, the terminal, tests and the threads of a pool.

service = BlockingService(BillingService(ports, catalogues, clock))      # ports that block
given = service.handle("main/a1", request, means=Confirmation(token))
"""

from __future__ import annotations

from uuid import UUID

from domain.calendar import Instant
from domain.commands import Request
from domain.events import Clock as ClockName
from domain.state import Account
from service.answering import GivenCommand
from service.completing import complete
from service.gateways.port import SAVED_METHOD, Confirmation, Means
from service.service import BillingService


class BlockingService:
    """What `BillingService` does, each call to its end; threads share it. `core` has ports that block."""

    def __init__(self, core: BillingService) -> None:
        self.core = core

    def account(self, account_id: str) -> Account | None:
        """The account as it is in the log now; None: never opened."""
        return complete(self.core.account(account_id))

    def last_seen(self, account_id: str) -> Account | None:
        """The account as last seen: good for what never changes."""
        return complete(self.core.last_seen(account_id))

    def check_clock(self, clock: ClockName) -> None:
        """Raise InvalidInput where that clock is forbidden here (R97)."""
        self.core.check_clock(clock)

    def handle(
        self,
        account_id: str,
        request: Request,
        *,
        means: Means = SAVED_METHOD,
        method: Confirmation | None = None,
        actor: str | None = None,
    ) -> GivenCommand:
        """Do the command and say what came of it."""
        return complete(self.core.handle(account_id, request, means=means, method=method, actor=actor))

    def preview(self, account_id: str, request: Request) -> GivenCommand:
        """What `handle` would answer now; nothing is changed (R48)."""
        return complete(self.core.preview(account_id, request))

    def settle(self, account_id: str, until: Instant) -> int:
        """Settle what is due; the number of events recorded."""
        return complete(self.core.settle(account_id, until))

    def payment_answered(self, account_id: str, at: Instant | None = None) -> bool:
        """Ask how the payment that waits has ended, and record it (R96)."""
        return complete(self.core.payment_answered(account_id, at))

    def late_payment_answered(
        self, account_id: str, invoice: int, *, paid: bool, at: Instant | None = None
    ) -> int:
        """The provider's message of how the late payment of that invoice ended (R98)."""
        return complete(self.core.late_payment_answered(account_id, invoice, paid=paid, at=at))

    def note_prerequisites(self, account_id: str) -> int:
        """Record what the account's add-ons need by the versions known now (R44)."""
        return complete(self.core.note_prerequisites(account_id))

    def payment_key(self, account_id: str, state: Account) -> UUID | None:
        """The key under which the gateway knows the payment that has not ended; None: all have."""
        return complete(self.core.payment_key(account_id, state))
