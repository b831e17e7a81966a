"""What an invoice rests on: the earlier events that made its items, its discounts, its taxes and the account
credit that it takes what they were."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from domain import events as e
from domain.state import Account


class Background:
    """The versions of such events, as an account's events come."""

    def __init__(self) -> None:
        self._products: dict[str, tuple[int, ...]] = {}
        self._taken_back: dict[str, tuple[int, ...]] = {}
        self._grants: dict[str, int] = {}
        self._anchor: tuple[int, object] = (0, None)
        self._credit: tuple[int, ...] = ()
        self._credit_held = Decimal(0)
        self.tax_profile: tuple[int, ...] = ()
        """The event that set the tax profile (R70)."""

    def of(self, product: str) -> tuple[int, ...]:
        """What made the product what it is: bought, changed, paused, resumed, repriced."""
        return self._products.get(product, ())

    def taken_back(self, product: str) -> tuple[int, ...]:
        """The credit notes of the product's lines in its present cycle (R65)."""
        return self._taken_back.get(product, ())

    def granted(self, discounts: Iterable[str]) -> tuple[int, ...]:
        """The grants of these discounts, D1 and so on (R79)."""
        return tuple([self._grants[name] for name in discounts if name in self._grants])

    @property
    def anchor(self) -> tuple[int, ...]:
        """The event that set the account anchor."""
        version, anchor = self._anchor
        return () if anchor is None else (version,)

    @property
    def credit(self) -> tuple[int, ...]:
        """The events that made the account credit that is held (R63)."""
        return self._credit

    def take(self, version: int, event: e.Event, state: Account) -> None:
        """One event more; `state` is the account after it."""
        self._take_items(version, event)
        self._take_money(version, event, state)
        if state.anchor != self._anchor[1]:
            self._anchor = (version, state.anchor)

    def _take_items(self, version: int, event: e.Event) -> None:
        known = self._products
        match event:
            case e.PlanPurchased() | e.AddonPurchased() | e.CreditsPurchased():
                known[event.product] = (version,)
            case e.AccountImported():
                brought = [item.product for item in event.items] + [pack.product for pack in event.packs]
                known.update(dict.fromkeys(brought, (version,)))
            case e.PlanChanged():
                known[event.product] = (*self.of(event.from_product), version)
            case e.DowngradeScheduled():
                known[event.to_product] = (*self.of(event.product), version)
            case e.PlanPaused() | e.PlanResumed() | e.BlocksChanged() | e.PriceOverridden():
                known[event.product] = (*self.of(event.product), version)
            case e.CyclesRenewed():
                for renewal in event.renewals:
                    self._taken_back.pop(renewal.product, None)
            case e.CreditNoteIssued():
                for line in event.lines:
                    self._taken_back[line.product] = (*self.taken_back(line.product), version)
            case _:
                pass

    def _take_money(self, version: int, event: e.Event, state: Account) -> None:
        match event:
            case e.DiscountGranted():
                self._grants[f"D{event.number}"] = version
            case e.TaxProfileSet():
                self.tax_profile = (version,)
            case _:
                pass
        held = state.standing.credit
        if not held:
            self._credit = ()
        elif held > self._credit_held:
            self._credit = (*self._credit, version)
        self._credit_held = held
