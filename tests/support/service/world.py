"""A whole service on a given log and gateway, and short calls to give it commands.

    world = memory_world()
    world.open("a1", at="2026-03-20")
    world.say(do="purchase_plan", account="a1", product="standard", at="2026-03-20", id="c1").outcome

Commands are lines, as users give them; they are on a test clock unless the session is another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from domain import events as e
from eventlog import EventLog
from eventlog.codec import domain_codec
from eventlog.memory import MemoryEventLog
from service.account_log import BlockingLog
from service.accounts import Accounts
from service.blocking import BlockingService
from service.catalogue_store import CatalogueStore, MemoryCatalogues
from service.catalogues import CatalogueLibrary
from service.clock import FixedClock
from service.commands import AnswerLine
from service.conversing import Ports
from service.gateways.memory import MemoryTestGateway
from service.gateways.port import PaymentGateway
from service.service import BillingService
from service.session import CommandSession
from service.snapshots import Snapshots
from service.terms import TaxDecider

NOW = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
CODEC = domain_codec()


class World:
    """One process of the service. Its waits take no time and call `meanwhile`, unless `real_time` is set."""

    def __init__(
        self,
        log: EventLog,
        gateway: PaymentGateway,
        store: CatalogueStore,
        clock: FixedClock,
        *,
        snapshots: Snapshots | None = None,
        attempts: int = 100,
        real_time: bool = False,
        test_clocks: bool = True,
        wall_clock: bool = True,
        test_gateway: PaymentGateway | None = None,
        decider: TaxDecider | None = None,
    ) -> None:
        self.log = log
        self.gateway = gateway
        self.store = store
        self.clock = clock
        self.slept = 0.0
        self.meanwhile: Callable[[], None] = lambda: None
        account_log = BlockingLog(log)
        self.accounts = Accounts(account_log, snapshots)
        self.library = CatalogueLibrary(store, decider, good_for=0.0)
        ports = Ports(account_log, self.accounts, gateway, test_gateway=test_gateway)
        if not real_time:
            ports = replace(ports, sleep=self._sleep)
        core = BillingService(
            ports, self.library, clock, attempts=attempts, test_clocks=test_clocks, wall_clock=wall_clock
        )
        self.service = BlockingService(core)
        self.on_test_clock = self.session("test")
        self.on_wall_clock = self.session("wall")

    def session(self, lives_on: e.Clock) -> CommandSession:
        return CommandSession(self.service.core, self.library, self.clock, tenant="main", lives_on=lives_on)

    def twin(self, **changes: Any) -> World:
        """Another process of the service on the same log, gateway and clock, with its own cache."""
        ports = {"log": self.log, "gateway": self.gateway, "store": self.store, "clock": self.clock}
        return World(**{**ports, **changes})

    def say(self, **fields: object) -> AnswerLine:
        """Give a line on the test clock."""
        return self.on_test_clock.answer_line(msgspec.json.encode(fields))

    def say_now(self, **fields: object) -> AnswerLine:
        """Give a line on the wall clock."""
        return self.on_wall_clock.answer_line(msgspec.json.encode(fields))

    def open(self, account: str = "a1", at: str | None = "2026-03-20", **fields: object) -> AnswerLine:
        """Open an account in Paris; without `at` on the wall clock."""
        line = {"do": "open_account", "account": account, "currency": "EUR", "time_zone": "Europe/Paris"}
        if at is None:
            return self.say_now(**line, **fields)
        return self.say(**line, at=at, **fields)

    def history(self, account: str = "a1") -> list[e.Event]:
        return [CODEC.read(stored) for stored in self.log.read_account(f"main/{account}")]

    def happened(self, account: str = "a1") -> list[str]:
        """The types of all events of the account."""
        return [e.type_name(event) for event in self.history(account)]

    async def _sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.meanwhile()


def memory_world(gateway: PaymentGateway | None = None, **options: Any) -> World:
    """A world that ends with the test; the log's clock is the service's."""
    clock = FixedClock(NOW)
    log = MemoryEventLog(clock=clock.now)
    return World(log, gateway or MemoryTestGateway(), MemoryCatalogues(), clock, **options)


Process = Callable[[], World]
"""Makes another process's service on the same servers."""


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
