"""The account itself: opening, paying the balance (R40), closing (R42), and the test clock's price
overrides."""

from __future__ import annotations

from domain import events as e
from domain.answers import Refusal
from domain.calendar import Instant, check_time_zone
from domain.commands import OpenAccount, OverridePrice
from domain.errors import InvalidInput
from domain.money import check_currency, parse_amount
from domain.proposals import Context, Proposal, Proposed, balance_due, no_price, unknown_product


def open_account(command: OpenAccount, at: Instant, ref: e.CommandRef) -> Proposal:
    """Begin an account's history. Currency and zone were checked where the command came in."""
    return Proposal(
        e.AccountOpened(
            at=at,
            command=ref,
            currency=check_currency(command.currency),
            time_zone=check_time_zone(command.time_zone),
            clock=command.clock,
            catalog=command.catalog,
        )
    )


def pay_balance(ctx: Context) -> Proposed:
    """Pay the open invoice by the saved method: an attempt (R16) that needs no confirmation (R15)."""
    invoice = ctx.state.open_invoice
    if invoice is None:
        return Refusal("nothing_due")
    paid = e.InvoicePaid(at=ctx.at, command=ctx.command, number=invoice.number, amount=invoice.total)
    return Proposal(paid, while_past_due=True, pays=invoice.total)


def close_account(ctx: Context) -> Proposed:
    """End everything now; refused while an invoice is open (R42)."""
    if ctx.state.open_invoice is not None:
        return balance_due(ctx.state)
    return Proposal(e.AccountClosed(at=ctx.at, command=ctx.command))


def override_price(ctx: Context, command: OverridePrice) -> Proposed:
    """Set another price in the account's currency from now on: of a plan's tier, of an add-on with a flat
    price, or of a credit pack."""
    catalog, product, tier = ctx.catalog, command.product, command.tier
    plan = catalog.plans.get(product)
    if plan is not None:
        tier = next(iter(plan.tiers)) if tier is None else tier
        if tier not in plan.tiers:
            return unknown_product(f"{product}/{tier}", "tier")
    elif tier is not None or (product not in catalog.add_ons and product not in catalog.credits):
        return unknown_product(product, "product with tiers" if tier is not None else "product")
    elif product in catalog.add_ons and catalog.add_ons[product].process is not None:
        return no_price(product, ctx.state.currency)
    try:
        price = parse_amount(command.price, ctx.state.currency, "$.price")
    except InvalidInput:
        facts = {"product": product, "price": command.price[:40], "currency": ctx.state.currency}
        return Refusal("invalid_amount", facts)
    overridden = e.PriceOverridden(at=ctx.at, command=ctx.command, product=product, tier=tier, price=price)
    return Proposal(overridden, while_past_due=True)
