"""Taking over an account from another system: a row is checked whole, and becomes the event that opens the
account. Pure.

    imported = account_imported(row, at, "wall", catalogues)    # the event, or every fault of the row

`at` is the moment that the row describes: nothing of it has fallen due by then. What a row cannot say (an
unpaid invoice, a dispute, discounts, taxes) docs/importing.md says what to do about.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from domain import events as e
from domain.calendar import (
    EARLIEST,
    LATEST,
    CivilDate,
    Cycle,
    Instant,
    begins_at,
    check_time_zone,
    date_of,
    days_after,
    days_between,
    full_cycle,
    parse_moment,
    twelve_months_before,
)
from domain.catalog import AddOn, Catalogues, Plan
from domain.errors import InvalidInput
from domain.import_rows import AccountRow, Fault, ProductRow, fault
from domain.money import check_currency, parse_amount, prorate, zero
from domain.pricing import block_lines
from domain.renewal import requirement_at

_OF_A_SPAN: Final = ("paid_until", "paid_from", "anchor")
_OF_A_PLAN: Final = ("tier", "becomes", "becomes_tier", "paused_at", "resume_on")
_OF_BLOCKS: Final = ("blocks", "next_blocks", "topped_up")
_OF_A_PACK: Final = ("credits", "expires_on")
_OF_ANY: Final = ("product", "paid")


def account_imported(
    row: AccountRow,
    at: Instant,
    clock: e.Clock,
    catalogues: Catalogues,
    *,
    catalog: str | None = None,
    command: e.CommandRef | None = None,
) -> e.AccountImported | tuple[Fault, ...]:
    """The event that opens the account with everything that it holds, or all that is wrong with the row.
    `catalogues`: the series of the account, `catalog` the digest of its own (test clock)."""
    checked = _Checked(row, at, catalogues)
    event = checked.event(clock, catalog, command)
    return tuple(checked.faults) if checked.faults or event is None else event


class _Checked:
    """A row while it is looked at: its faults so far."""

    def __init__(self, row: AccountRow, at: Instant, catalogues: Catalogues) -> None:
        self.row, self.at = row, at
        self.catalogues, self.sold = catalogues, catalogues.ever_sold(at)
        self.faults: list[Fault] = []
        self.today = CivilDate.min
        self.plan_anchors: set[CivilDate] = set()

    # ---- the account

    def event(
        self, clock: e.Clock, catalog: str | None, command: e.CommandRef | None
    ) -> e.AccountImported | None:
        """What the row becomes; None where its currency or zone is none."""
        row = self.row
        self._check(lambda: check_currency(row.currency), lambda: check_time_zone(row.time_zone))
        if self.faults:
            return None
        self.today = date_of(self.at, row.time_zone)
        self._check_dates()
        self._check_once()
        if self.faults:
            return None
        plans = [n for n, product in enumerate(row.products) if product.product in self.sold.plans]
        found = {n: self._item(row.products[n], f"$.products[{n}]") for n in plans}
        anchor = self._account_anchor(found.values())
        self.plan_anchors = set() if anchor is None else {anchor}
        others = [n for n in range(len(row.products)) if n not in found]
        found |= {n: self._item(row.products[n], f"$.products[{n}]") for n in others}
        items = [found[n] for n in sorted(found) if found[n] is not None]
        pauses = self._pauses(found.values())
        becomes_free = [n for n, one in found.items() if one is not None and _moves_to_free(one)]
        for n in becomes_free[1:]:
            message = "another plan is to become Free, which is allowed once"
            self._fault("free_already_used", f"$.products[{n}].becomes", message)
        return e.AccountImported(
            at=self.at,
            command=command,
            currency=row.currency,
            time_zone=row.time_zone,
            clock=clock,
            catalog=catalog,
            account_anchor=anchor,
            items=tuple([item for item in items if isinstance(item, e.ImportedItem)]),
            packs=tuple([pack for pack in items if isinstance(pack, e.ImportedPack)]),
            pauses=pauses,
            free_used=row.free_used or bool(becomes_free),
            credit=self._amount(row.account_credit, "$.account_credit") or zero(row.currency),
        )

    def _check_dates(self) -> None:
        """Dates far from now would be no dates of an account (`parse_date`)."""
        dates: list[tuple[str, CivilDate | None]] = [("$.anchor", self.row.anchor)]
        for n, product in enumerate(self.row.products):
            names = (*_OF_A_SPAN, "resume_on", "expires_on")
            dates += [(f"$.products[{n}].{name}", getattr(product, name)) for name in names]
        dates += [(f"$.pauses.{family}", day) for family, days in self.row.pauses.items() for day in days]
        for place, day in dates:
            if day is not None and not EARLIEST.date() <= day < LATEST.date():
                self._fault("invalid_date", place, f"{day} is no date of an account")

    def _check_once(self) -> None:
        """Every product but a credit pack once, and one plan a family."""
        products: set[str] = set()
        families: dict[str, str] = {}
        for n, product in enumerate(self.row.products):
            place = f"$.products[{n}].product"
            if product.product in products and product.product not in self.sold.credits:
                self._fault("product_twice", place, f"{product.product!r} stands twice")
            plan = self.sold.plans.get(product.product)
            if plan is not None and (one := families.setdefault(plan.family, plan.id)) != plan.id:
                self._fault("family_twice", place, f"{one!r} is of the family {plan.family!r} too")
            products.add(product.product)

    def _account_anchor(self, items: Iterable[_Held]) -> CivilDate | None:
        """The account anchor (R3): of the active monthly plans, or what the row says where they differ."""
        anchors = {
            item.cycle.anchor
            for item in items
            if isinstance(item, e.ImportedItem) and item.cycle is not None and item.paused_at is None
        }
        given = self.row.anchor
        if not anchors:
            if given is not None and not self.faults:
                self._fault("anchor_without_plan", "$.anchor", "no monthly plan is active")
            return None
        if given is None and len(anchors) > 1:
            self._fault("anchor_missing", "$.anchor", "the plans renew on different days of the month")
        return anchors.pop() if given is None else given

    def _pauses(self, items: Iterable[_Held]) -> tuple[e.ImportedPauses, ...]:
        """By family the starts of its last two pauses (R33), with that of a plan which is paused now."""
        began = {family: list(days) for family, days in self.row.pauses.items()}
        for item in items:
            if isinstance(item, e.ImportedItem) and item.paused_at is not None and item.family is not None:
                day, days = date_of(item.paused_at, self.row.time_zone), began.setdefault(item.family, [])
                if day not in days:
                    days.append(day)
        for family, days in began.items():
            place = f"$.pauses.{family}"
            if family not in self.sold.families:
                self._fault("unknown_product", place, f"no plan family {family[:60]!r} is known")
            elif not self.sold.families[family].pausable:
                self._fault("not_pausable", place, f"plans of {family!r} cannot be paused")
            elif max(days, default=self.today) > self.today:
                self._fault("invalid_date", place, f"{max(days)} is after {self.today}")
        return tuple([e.ImportedPauses(family, tuple(sorted(days)[-2:])) for family, days in began.items()])

    # ---- what it holds

    def _item(self, row: ProductRow, place: str) -> _Held:
        """The product as it was held; None where something is wrong with it."""
        before = len(self.faults)
        plan, add_on = self.sold.plans.get(row.product), self.sold.add_ons.get(row.product)
        held: _Held = None
        if plan is not None:
            held = self._plan(row, plan, place)
        elif row.family is not None:
            self._fault("wrong_family", f"{place}.family", f"{row.product!r} is no plan")
        elif add_on is not None:
            held = self._add_on(row, add_on, place)
        elif row.product in self.sold.credits:
            held = self._pack(row, place)
        else:
            message = f"the catalogue has no {row.product[:60]!r}" if self.sold.plans else "nothing is sold"
            self._fault("unknown_product", f"{place}.product", message)
        return held if len(self.faults) == before else None

    def _plan(self, row: ProductRow, plan: Plan, place: str) -> e.ImportedItem | None:
        if row.family not in (None, plan.family):
            self._fault("wrong_family", f"{place}.family", f"{plan.id!r} is of the family {plan.family!r}")
        tier = next(iter(plan.tiers)) if row.tier is None and len(plan.tiers) == 1 else row.tier
        if tier is None:
            self._fault("field_missing", f"{place}.tier", f"{plan.id!r} has several tiers")
        elif tier not in plan.tiers:
            self._fault("unknown_tier", f"{place}.tier", f"{plan.id!r} has no tier {tier[:60]!r}")
        elif (asked := plan.tiers[tier].get(self.row.currency)) is None:
            message = f"{plan.id}/{tier} has no price in {self.row.currency}"
            self._fault("no_price", f"{place}.tier", message)
        elif not asked:
            self._only(row, place, (*_OF_ANY, "family", "tier", "price"))
            return e.ImportedItem(
                row.product, plan.family, tier, zero(self.row.currency), None, zero(self.row.currency)
            )
        else:
            return self._monthly(row, plan, tier, place)
        return None

    def _monthly(self, row: ProductRow, plan: Plan, tier: str, place: str) -> e.ImportedItem | None:
        self._only(row, place, (*_OF_ANY, "family", "price", *_OF_A_SPAN, "ends", *_OF_A_PLAN))
        paused_at = self._paused_at(row, plan, place)
        price, cycle = self._price(row, place), self._cycle(row, place, paused=paused_at is not None)
        if price is None or cycle is None:
            return None
        if row.ends and cycle.end <= self.today:
            self._fault("already_due", f"{place}.paid_until", "what ends and is paid no longer has ended")
        resume_on = row.resume_on
        if resume_on is not None and not self.today < resume_on:
            self._fault("invalid_date", f"{place}.resume_on", f"{resume_on} is not after {self.today}")
        return e.ImportedItem(
            row.product,
            plan.family,
            tier,
            price,
            cycle,
            self._paid(row, prorate(price, cycle.days, cycle.of_days), place),
            ends=row.ends,
            becomes=self._becomes(row, plan, tier, place),
            paused_at=paused_at,
            resume_on=resume_on,
            resume_at=None if resume_on is None else begins_at(resume_on, self.row.time_zone),
        )

    def _becomes(self, row: ProductRow, plan: Plan, tier: str, place: str) -> e.ImportedDowngrade | None:
        """The downgrade that is pending (R29): to another plan or tier of the family."""
        if row.becomes is None:
            if row.becomes_tier is not None:
                self._fault("field_not_allowed", f"{place}.becomes_tier", "it becomes no other plan")
            return None
        if row.ends or row.paused_at is not None:
            message = "a plan that ends or is paused has no downgrade"
            self._fault("field_not_allowed", f"{place}.becomes", message)
        target = self.sold.plans.get(row.becomes)
        if target is None or target.family != plan.family:
            message = f"the family {plan.family!r} has no plan {row.becomes[:60]!r}"
            self._fault("unknown_product", f"{place}.becomes", message)
            return None
        to_tier = next(iter(target.tiers)) if row.becomes_tier is None else row.becomes_tier
        price = target.tiers.get(to_tier, {}).get(self.row.currency)
        if price is None or (target.id, to_tier) == (plan.id, tier):
            message = f"it cannot become {target.id}/{to_tier[:60]}"
            self._fault("unknown_tier", f"{place}.becomes_tier", message)
            return None
        return e.ImportedDowngrade(target.id, to_tier, not price)

    def _paused_at(self, row: ProductRow, plan: Plan, place: str) -> Instant | None:
        if row.paused_at is None:
            if row.resume_on is not None:
                self._fault("field_not_allowed", f"{place}.resume_on", "the plan is not paused")
            return None
        if not self.sold.families[plan.family].pausable:
            self._fault("not_pausable", f"{place}.paused_at", f"plans of {plan.family!r} cannot be paused")
        try:
            paused_at = parse_moment(row.paused_at, self.row.time_zone, f"{place}.paused_at")
        except InvalidInput as error:
            self._fault(error.code, error.place, error.message)
            return None
        if paused_at > self.at:
            self._fault("invalid_date", f"{place}.paused_at", "that moment is still to come")
        return paused_at

    def _add_on(self, row: ProductRow, add_on: AddOn, place: str) -> e.ImportedItem | None:
        in_blocks = add_on.process is not None
        own = _OF_BLOCKS if in_blocks else ("price",)
        self._only(row, place, (*_OF_ANY, *_OF_A_SPAN, "ends", *own))
        steps = add_on.block_prices.get(self.row.currency, ())
        if not steps and self.row.currency not in add_on.prices:
            message = f"{add_on.id} has no price in {self.row.currency}"
            self._fault("no_price", f"{place}.product", message)
        if in_blocks and row.blocks is None:
            self._fault("field_missing", f"{place}.blocks", f"{add_on.id} is sold in blocks")
        price = None if in_blocks else self._price(row, place)
        cycle = self._cycle(row, place, paused=False)
        if cycle is None or (price is None) != in_blocks or (in_blocks and row.blocks is None):
            return None
        if price is None:
            assert row.blocks is not None
            lines = block_lines(add_on.id, row.blocks, steps, cycle.start, cycle.end)
            full = sum([line.amount for line in lines], zero(self.row.currency))
        else:
            full = prorate(price, cycle.days, cycle.of_days)
        return e.ImportedItem(
            add_on.id,
            None,
            None,
            price,
            cycle,
            self._paid(row, full, place, limited=not in_blocks),
            ends=row.ends,
            requires=requirement_at(add_on.id, (), self.catalogues, cycle.ends_at),
            blocks=row.blocks,
            next_blocks=row.blocks if row.next_blocks is None else row.next_blocks,
            e_mails_per_block=add_on.e_mails_per_block,
            topped_up=row.topped_up,
            block_prices=steps,
        )

    def _pack(self, row: ProductRow, place: str) -> e.ImportedPack | None:
        self._only(row, place, (*_OF_ANY, *_OF_A_PACK))
        for name in ("credits", "expires_on", "paid"):
            if getattr(row, name) is None:
                self._fault("field_missing", f"{place}.{name}", f"{row.product!r} is a credit pack")
        paid = self._amount(row.paid, f"{place}.paid")
        if row.credits is None or row.expires_on is None or paid is None:
            return None
        if row.expires_on <= self.today:
            self._fault("already_due", f"{place}.expires_on", f"it has expired on {row.expires_on}")
        elif twelve_months_before(row.expires_on) > self.today:
            message = f"credits expire 12 months after their purchase, so before {row.expires_on}"
            self._fault("invalid_date", f"{place}.expires_on", message)
        expires_at = begins_at(row.expires_on, self.row.time_zone)
        return e.ImportedPack(row.product, row.credits, row.expires_on, expires_at, paid)

    # ---- spans and money

    def _cycle(self, row: ProductRow, place: str, *, paused: bool) -> Cycle | None:
        """The cycle that is paid for, `[paid_from, paid_until)` (R1, R2, R4). A paused plan's may be over."""
        end = row.paid_until
        if end is None:
            self._fault("field_missing", f"{place}.paid_until", f"{row.product!r} is billed by the month")
            return None
        if end <= self.today and not paused:
            self._fault("already_due", f"{place}.paid_until", f"it was due on {end}: today is {self.today}")
        anchor = self._anchor(row, end, place)
        if anchor is None:
            return None
        start, last = full_cycle(anchor, end)
        if start != end:
            message = f"{end} is no renewal date: counted from {anchor} they are {start} and {last}"
            self._fault("not_a_boundary", f"{place}.paid_until", message)
            return None
        start = full_cycle(anchor, days_after(end, -1))[0]
        of_days, begins = days_between(start, end), start if row.paid_from is None else row.paid_from
        if not start <= begins < end or begins > self.today:
            message = f"{begins} is not in the cycle from {start} to {end}, or still to come"
            where = "paid_until" if row.paid_from is None else "paid_from"
            self._fault("invalid_date", f"{place}.{where}", message)
            return None
        zone = self.row.time_zone
        return Cycle(anchor, begins, end, of_days, begins_at(begins, zone), begins_at(end, zone))

    def _anchor(self, row: ProductRow, end: CivilDate, place: str) -> CivilDate | None:
        """From which date the item's renewals are counted (R4): its own, else the account's where that gives
        the date, else that date."""
        if row.anchor is not None:
            return row.anchor
        of_account = {self.row.anchor} if self.row.anchor is not None else self.plan_anchors
        for anchor in of_account:
            if full_cycle(anchor, end)[0] == end:
                return anchor
        if end.day < 31 and days_after(end, 1).day == 1:
            message = f"{end} is the last day of a short month: a later day may be meant"
            self._fault("anchor_missing", f"{place}.anchor", message)
            return None
        return end

    def _price(self, row: ProductRow, place: str) -> Decimal | None:
        if row.price is None:
            self._fault("field_missing", f"{place}.price", f"{row.product!r} has a price")
        return self._amount(row.price, f"{place}.price")

    def _paid(self, row: ProductRow, full: Decimal, place: str, *, limited: bool = True) -> Decimal:
        """What was paid for the cycle, before tax; where it is not said, its whole price."""
        paid = self._amount(row.paid, f"{place}.paid")
        if paid is not None and limited and paid > full:
            self._fault(
                "over_paid", f"{place}.paid", f"the cycle costs {full} and {paid} are said to be paid"
            )
        return full if paid is None else paid

    def _amount(self, text: str | None, place: str) -> Decimal | None:
        if text is None:
            return None
        try:
            return parse_amount(text, self.row.currency, place)
        except InvalidInput as error:
            self._fault(error.code, error.place, error.message)
            return None

    # ---- faults

    def _only(self, row: ProductRow, place: str, names: tuple[str, ...]) -> None:
        """The row has no other fields than these."""
        for name in row.__struct_fields__:
            if name not in names and getattr(row, name) not in (None, False, 0):
                self._fault("field_not_allowed", f"{place}.{name}", f"{row.product!r} has no `{name}`")

    def _check(self, *checks: object) -> None:
        for check in checks:
            assert callable(check)
            try:
                check()
            except InvalidInput as error:
                self._fault(error.code, error.place, error.message)

    def _fault(self, code: str, place: str, message: str) -> None:
        self.faults.append(fault(code, place, message))


_Held = e.ImportedItem | e.ImportedPack | None


def _moves_to_free(held: _Held) -> bool:
    return isinstance(held, e.ImportedItem) and held.becomes is not None and held.becomes.to_free
