"""Pay As You Go: credits bought once (R21)."""

from __future__ import annotations

from domain import events as e
from domain.answers import Refusal
from domain.calendar import begins_at, twelve_months_after
from domain.commands import BuyCredits
from domain.issuing import invoice_of
from domain.pricing import credits_line
from domain.proposals import Context, Proposal, Proposed, no_price, unknown_product

MARKETING = "marketing"
"""The plan family whose monthly plan and credits exclude each other."""


def buy_credits(ctx: Context, command: BuyCredits) -> Proposed:
    """Buy a pack that expires twelve months later; refused while a monthly marketing plan is active."""
    pack = ctx.catalog.credits.get(command.product)
    if pack is None:
        return unknown_product(command.product, "credit pack")
    price = ctx.prices.credits(pack.id)
    if price is None:
        return no_price(pack.id, ctx.state.currency)
    plan = ctx.state.plans.get(MARKETING)
    if plan is not None and plan.active_monthly:
        return Refusal("monthly_plan_active", {"product": plan.product})
    expires_on = twelve_months_after(ctx.today)
    line = credits_line(pack.id, price, ctx.today, expires_on)
    return Proposal(
        e.CreditsPurchased(
            at=ctx.at,
            command=ctx.command,
            product=pack.id,
            credits=pack.credits,
            expires_on=expires_on,
            expires_at=begins_at(expires_on, ctx.state.time_zone),
            invoice=invoice_of(ctx.state, ctx.today, (line,), ctx.at, ctx.catalogues, ctx.grant),
        )
    )
