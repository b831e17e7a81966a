"""What an answer says of the account as the command leaves it (R19, R26, R28, R32, R36): read from the state
by the functions that entitlements, pages and forecasts are made of, so that all of them say the same.

    facts_after(command, "custom_domain", state, catalogues)["access_until"]   # "2026-04-20"
"""

from __future__ import annotations

from typing import Any

from domain import commands as c
from domain.calendar import local_text
from domain.catalog import Catalogues
from domain.coming import still_billed
from domain.events import Ending, Upcoming
from domain.renewal import known_requirement, loses_prerequisite
from domain.state import Account
from domain.views import entitlement, renewal_date

Facts = dict[str, Any]

FACTS_AFTER = ("access_until", "renews_on", "ending", "still_billed", "stay_paused")
"""What every answer says that is no refusal; lists are empty where there is nothing to say."""


def facts_after(command: c.Command, product: str | None, state: Account, catalogues: Catalogues) -> Facts:
    """The facts of any answer that is no refusal: of what is meant (`product`, None where nothing is) its
    status, until when it can be used and when it renews, and the lists that the command's answer names.
    `catalogues`: the versions known."""
    shown = None if product is None else entitlement(state, product, catalogues)
    until = None if shown is None else shown.access_until
    renews_on = None if product is None else renewal_date(state, product, catalogues)
    family = _family_of(command, product, state)
    billed = still_billed(state, catalogues) if isinstance(command, c.PausePlan) else ()
    status = {} if shown is None else {"status": shown.status}
    return status | {
        "access_until": None if until is None else local_text(until, state.time_zone),
        "renews_on": None if renews_on is None else renews_on.isoformat(),
        "ending": [] if family is None else _endings_said(ending_with(state, family, catalogues)),
        "still_billed": [_charge_said(charge) for charge in billed],
        "stay_paused": _stay_paused(state) if isinstance(command, c.PayBalance | c.Undo) else [],
    }


def ending_with(state: Account, family: str, catalogues: Catalogues) -> tuple[Ending, ...]:
    """The add-ons, in order of purchase, that need a plan of the family and, as things stand, end for want of
    one; none that is removed itself (R28)."""
    families = catalogues.families_of_plans
    held = state.plans.get(family)

    def of_the_family(plan: str) -> bool:
        return families.get(plan) == family or (held is not None and held.product == plan)

    found = []
    for product, item in state.addons.items():
        requires = () if item.removed else known_requirement(item, catalogues)
        if requires and any(map(of_the_family, requires)) and loses_prerequisite(item, requires, state.plans):
            found.append(Ending(product, item.cycle.end))
    return tuple(found)


def _family_of(command: c.Command, product: str | None, state: Account) -> str | None:
    """The family whose plan was cancelled or changed; None: of no other command."""
    if isinstance(command, c.CancelPlan):
        return command.family
    if not isinstance(command, c.ChangePlan):
        return None
    return next((plan.family for plan in state.plans.values() if plan.product == product), None)


def _stay_paused(state: Account) -> list[str]:
    """The plans that are paused without a date to resume, and not cancelled, in order of purchase (R36)."""
    plans = sorted(state.plans.values(), key=lambda plan: plan.bought)
    return [p.product for p in plans if p.paused_at is not None and p.resume_on is None and not p.cancelled]


def _endings_said(endings: tuple[Ending, ...]) -> list[dict[str, str]]:
    return [{"product": ending.product, "on": ending.on.isoformat()} for ending in endings]


def _charge_said(charge: Upcoming) -> dict[str, str]:
    return {"product": charge.product, "on": charge.date.isoformat(), "amount": str(charge.amount)}
