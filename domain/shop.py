"""The shop (R49): what an account can buy at an instant, what it would cost today and why, or why it
cannot be bought.

    shop(state, at, catalogues).add_ons[0].arithmetic   # ("10.00 × 15/31 days = 4.84",)
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.arithmetic import TaxGroup, arithmetic, tax_groups
from domain.calendar import CivilDate, Instant, date_of
from domain.catalog import AddOn, BlockPrice, Catalogues, CreditPack, Plan
from domain.coming import settled_as_paid
from domain.decide import locked_until
from domain.money import zero
from domain.pricing import PriceList
from domain.process import preview
from domain.state import Account
from domain.views import Entitlement, EntitlementStatus, entitlements, renewal_date

TRANSACTIONAL = ("start_transactional", "change_transactional", "top_up_transactional", "stop_transactional")


class Today(msgspec.Struct, frozen=True):
    """What buying would answer now (R48): what is `charged`, its lines and their arithmetic. Where it cannot
    be bought, `charged` is None, and `code` says why. `net`: the lines before tax; `taxes`: each tax of them;
    `total`: both together, of which account credit pays what is not charged (R63, R78).

    `renews_on`: the renewal date, of what is held its own. `begins_on`: of a downgrade, when it takes the
    present plan's place (R29). `facts`: those of the answer; `free_until` is among them where free months
    reach it: the date of the first line at a price (R87).
    """

    charged: Decimal | None
    lines: tuple[e.Line, ...]
    arithmetic: tuple[str, ...]
    renews_on: CivilDate | None
    begins_on: CivilDate | None
    code: str | None
    facts: dict[str, object]
    outcome: str
    events: tuple[str, ...]
    net: Decimal | None = None
    taxes: tuple[TaxGroup, ...] = ()
    total: Decimal | None = None


class Offer(msgspec.Struct, frozen=True):
    """Something sold. `price`: a month's; of credits, the pack's. `status`: of what the account holds of it
    or held; of a plan only on the tier that is held. `command`: the one that takes it, by its name."""

    product: str
    name: str
    tier: str | None
    price: Decimal | None
    status: EntitlementStatus | None
    today: Today
    command: str
    credits: int | None = None


class Shelf(msgspec.Struct, frozen=True):
    """The plans of a family, each tier an offer."""

    family: str
    name: str
    plans: tuple[Offer, ...]


class OwnProcess(msgspec.Struct, frozen=True):
    """A pointer to what is sold by a process of its own (R20): its commands, its graduated block prices, and
    what its first block would cost today."""

    product: str
    name: str
    status: EntitlementStatus | None
    e_mails_per_block: int
    block_prices: tuple[BlockPrice, ...]
    commands: tuple[str, ...]
    first_block: Today


class Shop(msgspec.Struct, frozen=True):
    """The whole shop in catalogue order."""

    plans: tuple[Shelf, ...]
    add_ons: tuple[Offer, ...]
    credits: tuple[Offer, ...]
    own_processes: tuple[OwnProcess, ...]


def shop(state: Account, at: Instant, catalogues: Catalogues) -> Shop:
    """What the account can buy at the instant, everything due before it taken as paid."""
    now, _ = settled_as_paid(state, at, catalogues)
    catalog = catalogues.at(at)
    asked = now if state.payment is None else state  # a payment without an answer refuses everything (R16)
    prices = PriceList.of(now, catalogues, at)
    counter = _Counter(now, asked, at, catalogues, prices, entitlements(now, catalogues))
    plans: dict[str, list[Offer]] = {family: [] for family in catalog.families}
    for plan in catalog.plans.values():
        plans[plan.family] += [counter.plan(plan, tier) for tier in plan.tiers]
    add_ons = catalog.add_ons.values()
    return Shop(
        tuple([Shelf(f.id, f.name, tuple(plans[f.id])) for f in catalog.families.values()]),
        tuple([counter.add_on(add_on) for add_on in add_ons if add_on.process is None]),
        tuple([counter.credits(pack) for pack in catalog.credits.values()]),
        tuple([counter.own_process(add_on) for add_on in add_ons if add_on.process is not None]),
    )


def moment_of(state: Account, at: Instant, catalogues: Catalogues) -> tuple[object, ...]:
    """What the shop of an account depends on of the instant: at two instants where this is equal, it is the
    same shop."""
    in_force = sum(v.effective_from is None or v.effective_from <= at for v in catalogues.versions)
    waits_until = None if state.payment is None else state.payment.waits_until
    over = [passed is not None and at >= passed for passed in (locked_until(state), waits_until)]
    return date_of(at, state.time_zone), in_force, *over


class _Counter(msgspec.Struct, frozen=True):
    """Makes offers to one account at one instant: `state` is the account then, `asked` what commands meet."""

    state: Account
    asked: Account
    at: Instant
    catalogues: Catalogues
    prices: PriceList
    shown: dict[str, Entitlement]

    def plan(self, plan: Plan, tier: str) -> Offer:
        """The plan's tier as an offer: to buy; where a monthly plan of the family is held, to change to
        (R29); where it is that plan and is to end, to buy again (R17)."""
        held = self.state.plans.get(plan.family)
        same = held is not None and (held.product, held.tier) == (plan.id, tier)
        command: c.Command = c.PurchasePlan(plan.id, tier)
        if held is not None and held.cycle is not None and not (same and held.cancelled):
            command = c.ChangePlan(plan.id, tier)
        price = self.prices.plan(plan.id, tier)
        today = self._today(command, plan.id if same else None)
        status = self._status(plan.id) if same else None
        return Offer(plan.id, plan.name, tier, price, status, today, _named(command))

    def add_on(self, add_on: AddOn) -> Offer:
        """The add-on with a flat price as an offer."""
        price = self.prices.add_on(add_on.id)
        command = c.PurchaseAddon(add_on.id)
        today = self._today(command, add_on.id)
        return Offer(add_on.id, add_on.name, None, price, self._status(add_on.id), today, _named(command))

    def credits(self, pack: CreditPack) -> Offer:
        """The pack as an offer; it is bought once."""
        command = c.BuyCredits(pack.id)
        today = self._today(command, None)
        price, status = self.prices.credits(pack.id), self._status(pack.id)
        return Offer(pack.id, pack.name, None, price, status, today, _named(command), pack.credits)

    def own_process(self, add_on: AddOn) -> OwnProcess:
        """The pointer to what is sold by its own process, with what its first block would cost."""
        return OwnProcess(
            add_on.id,
            add_on.name,
            self._status(add_on.id),
            add_on.e_mails_per_block or 0,
            self.prices.blocks(add_on.id) or (),
            TRANSACTIONAL,
            self._today(c.StartTransactional(1), add_on.id),
        )

    def _today(self, command: c.Command, held: str | None) -> Today:
        """What the command would answer now (R48). `held`: the product whose own renewal date is shown where
        it cannot be bought."""
        request = c.Request(command, self.at, self.state.clock, cvv=True, billing=True)
        answer = preview(self.asked, request, self.catalogues)
        assert isinstance(answer, Answer), "a request without a key is never a repeated one"
        changes = isinstance(command, c.ChangePlan)
        own = None if held is None else renewal_date(self.state, held, self.catalogues)
        return today_of(answer, self.state.currency, own, changes=changes)

    def _status(self, product: str) -> EntitlementStatus | None:
        return self.shown[product].status if product in self.shown else None


def today_of(answer: Answer, currency: str, own: CivilDate | None = None, *, changes: bool = False) -> Today:
    """The answer as an offer tells it. `own`: the renewal date of what is held, shown where it cannot be
    bought; `changes`: it is a change of plan, which may begin later (R29)."""
    begins_on = answer.facts.get("on") if changes and answer.code is None else None
    bought = answer.charged is not None
    net = sum([line.net for line in answer.lines], zero(currency)) if bought else None
    taxes = tax_groups(answer.lines) if bought else ()
    return Today(
        answer.charged,
        answer.lines,
        tuple([arithmetic(line) for line in answer.lines]) if bought else (),
        own if answer.code is not None else answer.renews_on,
        None if begins_on is None else CivilDate.fromisoformat(begins_on),
        answer.code,
        answer.facts,
        answer.outcome,
        answer.events,
        net,
        taxes,
        None if net is None else sum([tax.tax for tax in taxes], net),
    )


def _named(command: c.Command) -> str:
    return str(command.__struct_config__.tag)
