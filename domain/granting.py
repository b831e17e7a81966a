"""Giving and withdrawing discounts (R79, R85-R87): by staff, or by a code with a purchase or change that
charges."""

from __future__ import annotations

from decimal import Decimal

from msgspec import UNSET

from domain import commands as c
from domain import events as e
from domain.answers import Refusal
from domain.calendar import CivilDate, Instant, boundary, days_after
from domain.catalog import Catalogues
from domain.codes import DiscountCode
from domain.corrections import support_may_give
from domain.discounts import free_months, over, reaches
from domain.proposals import Context, Proposal, Proposed, Unchanged, amount_given
from domain.state import Account

CARRIED_FOR = 12
"""Months after which what is left of a carried discount expires (R86)."""


def grant_discount(ctx: Context, command: c.GrantDiscount) -> Proposed:
    """Staff gives the account a discount; support's goodwill counts for its limit (R60)."""
    fixed = None if command.fixed is None else amount_given(ctx, command.fixed)
    if isinstance(fixed, Refusal):
        return fixed
    percent = None if command.percent is None else Decimal(command.percent)
    if command.nonprofit:
        percent = ctx.catalog.policies.nonprofit_percent
        if percent is None:
            return Refusal("unknown_discount", {"discount": "nonprofit"})
    for product in command.products or ():
        if not ever_sold(ctx.catalogues, product):
            return Refusal("unknown_product", {"asked": product, "kind": "product"})
    carried = command.carried is True
    duration = "forever" if command.nonprofit and command.duration is None else command.duration or "once"
    terms = e.DiscountGranted(
        at=ctx.at,
        command=ctx.command,
        number=len(ctx.state.standing.discounts) + 1,
        start=ctx.today,
        percent=percent,
        fixed=fixed,
        once=duration == "once" and not carried,
        months=duration if isinstance(duration, int) else None,
        carried=carried,
        products=command.products,
        last_day=_last_day(ctx.today, command.last_day, carried=carried),
        nonprofit=command.nonprofit is True,
        code=None,
        ticket=command.ticket,
    )
    if had := _had_free_months(ctx.state, terms, terms.products or ()):
        return Refusal("already_used", {"products": had})
    if terms.carried and fixed is not None and (refusal := support_may_give(ctx, fixed)):
        return refusal
    return Proposal(terms, while_past_due=True)


def ever_sold(catalogues: Catalogues, product: str) -> bool:
    """Whether some version sells the product, be it one that is over or one to come."""
    return any(
        product in version.catalog.plans
        or product in version.catalog.add_ons
        or product in version.catalog.credits
        for version in catalogues.versions
    )


def _last_day(today: CivilDate, given: CivilDate | None, *, carried: bool) -> CivilDate | None:
    """Of a carried one the day before twelve months later, or an earlier one that is named."""
    if not carried:
        return given
    last = days_after(boundary(today, CARRIED_FOR), -1)
    return last if given is None else min(last, given)


def withdraw_discount(ctx: Context, command: c.WithdrawDiscount) -> Proposed:
    """The discount reaches no further line."""
    number = int(command.discount[1:])
    discounts = ctx.state.standing.discounts
    if number > len(discounts):
        return Refusal("unknown_discount", {"discount": command.discount})
    if over(discounts[number - 1], ctx.today):
        return Unchanged({"discount": command.discount})
    return Proposal(e.DiscountWithdrawn(at=ctx.at, command=ctx.command, number=number), while_past_due=True)


# ---- codes ----------------------------------------------------------------------


def code_of(command: c.Command) -> str | None:
    """The code that the command brings."""
    code = getattr(command, "discount", UNSET)
    return code if isinstance(code, str) and not isinstance(command, c.WithdrawDiscount) else None


def grant_by_code(
    state: Account, code: str, today: CivilDate, at: Instant, command: e.CommandRef, catalogues: Catalogues
) -> e.DiscountGranted | None:
    """The discount that the code gives, if it is known and has an amount in the account's currency."""
    terms = catalogues.codes.get(code)
    if terms is None:
        return None
    fixed = terms.fixed.get(state.currency)
    if terms.percent is None and fixed is None:
        return None
    return e.DiscountGranted(
        at=at,
        command=command,
        number=len(state.standing.discounts) + 1,
        start=today,
        percent=terms.percent,
        fixed=fixed,
        once=terms.once and not terms.carried,
        months=terms.months,
        carried=terms.carried,
        products=terms.products,
        last_day=_last_day(today, None, carried=terms.carried),
        nonprofit=False,
        code=code,
    )


def code_refused(
    state: Account,
    code: str,
    terms: DiscountCode | None,
    grant: e.DiscountGranted | None,
    lines: tuple[e.Line, ...] | None,
    today: CivilDate,
) -> Refusal | None:
    """Why the code is not taken with a purchase of these lines: not known, past its end, used before, or
    not for what is bought. `lines` None: nobody knows them, for want of their taxes."""
    facts = {"discount": code}
    if terms is None or grant is None:
        return Refusal("unknown_discount", facts)
    bought = [line for line in lines or () if reaches(grant, line)]
    if lines is not None and not bought:
        return Refusal("unknown_discount", facts)
    if terms.last_day is not None and terms.last_day < today:
        return Refusal("discount_over", {**facts, "last_day": terms.last_day.isoformat()})
    if any(discount.terms.code == code for discount in state.standing.discounts):
        return Refusal("already_used", facts)
    if had := _had_free_months(state, grant, [line.product for line in bought]):
        return Refusal("already_used", {**facts, "products": had})
    return None


def _had_free_months(
    state: Account, terms: e.DiscountGranted, products: tuple[str, ...] | list[str]
) -> list[str]:
    """Those of the products that had free months: they are given once for an account and product (R87)."""
    if not free_months(terms):
        return []
    return [product for product in products if product in state.standing.free_products]
