"""The billing page (R50), "monthly plans or credits": what is held, what it will cost, what can be done
with it.

    [item.actions for item in billing_page(state, at, catalogues).items]   # [("change", "cancel"), …]
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec

from domain import commands as c
from domain import events as e
from domain.answers import Answer
from domain.calendar import CivilDate, Instant, date_of
from domain.catalog import Catalog, Catalogues
from domain.coming import next_charges, settled_as_paid
from domain.forecast import forecast
from domain.free_months import free_until
from domain.happened import CreditNoteEntry
from domain.money import zero
from domain.owing import HeldDiscount, OpenInvoice, disputed_invoices, held_discounts, open_invoices
from domain.process import preview
from domain.state import Account, AddonItem, PlanItem
from domain.views import AccountSummary, Entitlement, EntitlementStatus, account_summary, entitlements

Action = Literal["change", "pause", "resume", "undo", "cancel", "manage", "remove", "top_up", "stop"]


class Removal(msgspec.Struct, frozen=True, gc=False):
    """What removing asks to confirm: until when access lasts, as its answer would say (R26). `unpaid`: access
    has ended then already, and it would end at once (R41a)."""

    access_until: str
    unpaid: bool


class HeldItem(msgspec.Struct, frozen=True):
    """A plan or add-on held. `price`: held for this cycle (R8); None for blocks. `next_charge`: None if
    nothing more will be charged for it as things stand.

    `actions`: what would not be refused now. `removal`: where an add-on can be removed or stopped.
    `free_until`: where its free months go on, the date of the first line at a price (R87). `family`: of a
    plan; `blocks`: those of the next cycle, of what is sold by blocks.
    """

    product: str
    name: str
    kind: Literal["plan", "add_on"]
    tier: str | None
    status: EntitlementStatus
    price: Decimal | None
    next_charge: e.Upcoming | None
    access_until: Instant | None
    allowance: int | None
    actions: tuple[Action, ...]
    removal: Removal | None
    free_until: CivilDate | None = None
    family: str | None = None
    blocks: int | None = None


class HeldCredits(msgspec.Struct, frozen=True, gc=False):
    """A pack of unexpired credits."""

    product: str
    name: str
    credits: int
    expires_on: CivilDate


class Balance(msgspec.Struct, frozen=True):
    """What is due of all open `invoices` together (R51), number and date of the oldest, and what cannot be
    used until it is paid (R38)."""

    invoice: int
    date: CivilDate
    amount: Decimal
    suspended: tuple[str, ...]
    invoices: tuple[OpenInvoice, ...] = ()


class BillingPage(msgspec.Struct, frozen=True):
    """Everything on the page: plans, then add-ons in order of purchase, then credits by expiry.

    `credit`: account credit (R63). `disputed`: the invoices about which a dispute is open (R58).
    `waits_until`: until when a payment waits for the customer's consent (R96).
    """

    standing: AccountSummary
    items: tuple[HeldItem, ...]
    credits: tuple[HeldCredits, ...]
    balance: Balance | None
    next_invoice: e.Invoice | None
    credit: Decimal
    discounts: tuple[HeldDiscount, ...] = ()
    disputed: tuple[int, ...] = ()
    waits_until: Instant | None = None
    credit_notes: tuple[CreditNoteEntry, ...] = ()


def billing_page(
    state: Account, at: Instant, catalogues: Catalogues, credit_notes: Iterable[CreditNoteEntry] = ()
) -> BillingPage:
    """The page at the instant, everything due before it taken as paid. `credit_notes`: the account's, which
    its state does not keep (`domain.happened`)."""
    now, _ = settled_as_paid(state, at, catalogues)
    asked = now if state.payment is None else state  # a payment without an answer refuses everything (R16)
    coming = forecast(now, at, catalogues)
    charges = next_charges(now, catalogues)
    desk = _Desk(now, asked, at, catalogues, catalogues.at(at), entitlements(now, catalogues), charges)
    items = [desk.plan(plan) for plan in now.plans.values()] + [desk.add_on(a) for a in now.addons.values()]
    packs = sorted(now.packs, key=lambda pack: pack.expires_on)
    return BillingPage(
        account_summary(now, catalogues),
        tuple(items),
        tuple([HeldCredits(p.product, desk.name(p.product), p.credits, p.expires_on) for p in packs]),
        _balance(now),
        coming.next_invoice,
        now.standing.credit + zero(now.currency),
        held_discounts(now, date_of(at, now.time_zone)),
        disputed_invoices(now),
        None if state.payment is None else state.payment.waits_until,
        tuple(credit_notes),
    )


def _balance(state: Account) -> Balance | None:
    first = next(iter(state.open_invoices), None)
    if first is None:
        return None
    suspended = tuple([item.product for item in state.items if item.unpaid_since is not None])
    due = sum([record.due for record in state.open_invoices], zero(state.currency))
    date = state.invoices[first.number].date
    return Balance(first.number, date, due, suspended, open_invoices(state))


class _Desk(msgspec.Struct, frozen=True):
    """Describes what one account holds at one instant: `state` is the account then, `asked` what commands
    meet."""

    state: Account
    asked: Account
    at: Instant
    catalogues: Catalogues
    catalog: Catalog
    shown: dict[str, Entitlement]
    charges: dict[str, e.Upcoming]

    def plan(self, item: PlanItem) -> HeldItem:
        """The plan as an item of the page; its next charge is that of what it will become (R29)."""
        shown = self.shown[item.product]
        return HeldItem(
            item.product,
            self.name(item.product),
            "plan",
            item.tier,
            shown.status,
            item.price,
            self.charges.get(item.product),
            shown.access_until,
            None,
            self._plan_actions(item),
            None,
            free_until(self.state, item.product),
            family=item.family,
        )

    def add_on(self, item: AddonItem) -> HeldItem:
        """The add-on as an item of the page."""
        shown = self.shown[item.product]
        actions = self._add_on_actions(item)
        return HeldItem(
            item.product,
            self.name(item.product),
            "add_on",
            None,
            shown.status,
            item.price,
            self.charges.get(item.product),
            shown.access_until,
            shown.allowance,
            actions,
            self._removal(item) if "remove" in actions or "stop" in actions else None,
            free_until(self.state, item.product),
            blocks=item.next_blocks,
        )

    def name(self, product: str) -> str:
        """The product's name; of what is no longer sold the one that it last had."""
        catalog = self.catalogues.ever_sold(self.at)
        found = catalog.plans.get(product) or catalog.add_ons.get(product) or catalog.credits.get(product)
        return product if found is None else found.name

    def _plan_actions(self, item: PlanItem) -> tuple[Action, ...]:
        others: list[c.Command] = [
            c.ChangePlan(plan.id, tier)
            for plan in self.catalog.plans.values()
            if plan.family == item.family
            for tier in plan.tiers
            if (plan.id, tier) != (item.product, item.tier)
        ]
        return self._possible(
            ("change", others),
            ("pause", [c.PausePlan(item.family)]),
            ("resume", [c.ResumePlan(item.family)]),
            ("undo", [c.Undo(item.product)]),
            ("cancel", [c.CancelPlan(item.family)]),
        )

    def _add_on_actions(self, item: AddonItem) -> tuple[Action, ...]:
        undo: _Choice = ("undo", [c.Undo(item.product)])
        if item.next_blocks is None:
            return ("manage", *self._possible(("remove", [c.RemoveAddon(item.product)]), undo))
        other = item.next_blocks + 1
        return (
            "manage",
            *self._possible(
                ("change", [c.ChangeTransactional(other)]),
                ("top_up", [c.TopUpTransactional(1)]),
                ("stop", [c.StopTransactional()]),
                undo,
            ),
        )

    def _possible(self, *choices: _Choice) -> tuple[Action, ...]:
        """The actions of which some command would now do something (R48): one rule, one place."""
        return tuple([action for action, commands in choices if any(map(self._would_do, commands))])

    def _would_do(self, command: c.Command) -> bool:
        return self._preview(command).outcome in ("accepted", "reinstated")

    def _preview(self, command: c.Command) -> Answer:
        request = c.Request(command, self.at, self.state.clock, cvv=True, billing=True)
        answer = preview(self.asked, request, self.catalogues)
        assert isinstance(answer, Answer), "a request without a key is never a repeated one"
        return answer

    def _removal(self, item: AddonItem) -> Removal:
        """What removing would ask to confirm (R26; of what is unpaid R41a)."""
        blocks = item.next_blocks is not None
        answer = self._preview(c.StopTransactional() if blocks else c.RemoveAddon(item.product))
        return Removal(answer.facts["access_until"], item.unpaid_since is not None)


_Choice = tuple[Action, list[c.Command]]
