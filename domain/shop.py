"""The shop (R49): what an account can buy at an instant, what it would cost today and why, or why it
cannot be bought."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain import commands as c
from domain.answers import Answer
from domain.calendar import CivilDate, Instant
from domain.catalog import AddOn, BlockPrice, Catalogues, Plan
from domain.explain import arithmetic
from domain.forecast import settled_as_paid
from domain.pricing import PriceList
from domain.process import preview
from domain.state import Account
from domain.views import Entitlement, EntitlementStatus, entitlements


class Offer(msgspec.Struct, frozen=True):
    """Something sold. `price`: a month's; of credits, the pack's. `status`: of what the account holds or
    held of it.

    `today`: what it would charge now (R48), with its arithmetic. Where it cannot be bought now, None, and
    `code` and `message` say why.
    """

    product: str
    name: str
    tier: str | None
    price: Decimal | None
    status: EntitlementStatus | None
    today: Decimal | None
    arithmetic: tuple[str, ...]
    renews_on: CivilDate | None
    code: str | None
    message: str


class Shelf(msgspec.Struct, frozen=True):
    """The plans of a family, each tier an offer."""

    family: str
    name: str
    plans: tuple[Offer, ...]


class OwnProcess(msgspec.Struct, frozen=True):
    """A pointer to what is sold by a process of its own, with its graduated block prices (R20)."""

    product: str
    name: str
    status: EntitlementStatus | None
    e_mails_per_block: int
    block_prices: tuple[BlockPrice, ...]
    start_with: str


class Shop(msgspec.Struct, frozen=True):
    """The whole shop in catalogue order."""

    plans: tuple[Shelf, ...]
    add_ons: tuple[Offer, ...]
    credits: tuple[Offer, ...]
    own_processes: tuple[OwnProcess, ...]


def shop(state: Account, at: Instant, catalogues: Catalogues) -> Shop:
    """What the account can buy at the instant, everything due before it taken as paid."""
    state, _ = settled_as_paid(state, at, catalogues)
    catalog = catalogues.at(at)
    counter = _Counter(state, at, catalogues, PriceList.of(state, catalog), entitlements(state))
    plans: dict[str, list[Offer]] = {family: [] for family in catalog.families}
    for plan in catalog.plans.values():
        plans[plan.family] += [counter.plan(plan, tier) for tier in plan.tiers]
    add_ons = catalog.add_ons.values()
    return Shop(
        tuple([Shelf(f.id, f.name, tuple(plans[f.id])) for f in catalog.families.values()]),
        tuple([counter.add_on(add_on) for add_on in add_ons if add_on.process is None]),
        tuple([counter.credits(pack.id, pack.name) for pack in catalog.credits.values()]),
        tuple([counter.own_process(add_on) for add_on in add_ons if add_on.process is not None]),
    )


class _Counter(msgspec.Struct, frozen=True):
    """Makes offers to one account at one instant."""

    state: Account
    at: Instant
    catalogues: Catalogues
    prices: PriceList
    shown: dict[str, Entitlement]

    def plan(self, plan: Plan, tier: str) -> Offer:
        """To buy, or, where a monthly plan of the family is held, to change to (R17, R29)."""
        held = self.state.plans.get(plan.family)
        change = held is not None and held.cycle is not None
        command: c.Command = c.ChangePlan(plan.id, tier) if change else c.PurchasePlan(plan.id, tier)
        return self._offer(plan.id, plan.name, tier, self.prices.plan(plan.id, tier), command)

    def add_on(self, add_on: AddOn) -> Offer:
        """With a flat price."""
        price = self.prices.add_on(add_on.id)
        return self._offer(add_on.id, add_on.name, None, price, c.PurchaseAddon(add_on.id))

    def credits(self, product: str, name: str) -> Offer:
        """A pack, bought once."""
        return self._offer(product, name, None, self.prices.credits(product), c.BuyCredits(product))

    def own_process(self, add_on: AddOn) -> OwnProcess:
        """Sold elsewhere."""
        steps = self.prices.blocks(add_on) or ()
        per_block = add_on.e_mails_per_block or 0
        return OwnProcess(
            add_on.id, add_on.name, self._status(add_on.id), per_block, steps, "start_transactional"
        )

    def _offer(
        self, product: str, name: str, tier: str | None, price: Decimal | None, command: c.Command
    ) -> Offer:
        """What the command would answer now (R48)."""
        request = c.Request(command, self.at, self.state.clock, cvv=True, billing=True)
        answer = preview(self.state, request, self.catalogues)
        assert isinstance(answer, Answer), "a request without a key is never a repeated one"
        bought = answer.outcome != "rejected"
        return Offer(
            product,
            name,
            tier,
            price,
            self._status(product),
            answer.charged,
            tuple([arithmetic(line) for line in answer.lines]) if bought else (),
            answer.renews_on,
            answer.code,
            answer.message,
        )

    def _status(self, product: str) -> EntitlementStatus | None:
        return self.shown[product].status if product in self.shown else None
