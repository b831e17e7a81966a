"""Random lives of accounts, as lines of commands, for runs that must do what one account after the other
gives.

for line in lives(random.Random(7), accounts=5): world.say(**line)
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any, Final

FIRST_DAY: Final = date(2026, 1, 5)

_POLICIES: Final = {"collection": {"retry_days": [1, 3, 5], "remind_before_lapse": 2}}
_STEPS: Final[tuple[dict[str, Any], ...]] = (
    {"do": "purchase_addon", "product": "custom_domain"},
    {"do": "purchase_addon", "product": "surveys"},
    {"do": "remove_addon", "product": "surveys"},
    {"do": "change_plan", "product": "standard", "tier": "2500"},
    {"do": "change_plan", "product": "premium"},
    {"do": "change_plan", "product": "essentials"},
    {"do": "pause_plan", "family": "marketing", "resume_on": "2026-05-20"},
    {"do": "resume_plan", "family": "marketing"},
    {"do": "cancel_plan", "family": "marketing"},
    {"do": "start_transactional", "blocks": 2},
    {"do": "buy_credits", "product": "credits_5000"},
    {"do": "payment_method", "works": False},
    {"do": "payment_method", "works": True},
    {"do": "payment_method", "works": False, "final": True},
    {"do": "set_payment_method"},
    {"do": "pay_balance"},
    {"do": "grant_discount", "percent": "20", "duration": "forever"},
    {"do": "credit_note", "invoice": 1, "line": 1, "net": "1.00", "reason": "service_failure"},
)


def lives(chance: Random, accounts: int) -> list[dict[str, Any]]:
    """Lines of several accounts within three months, those of each in order of time. Some are refused."""
    lines = []
    for nth in range(accounts):
        day = FIRST_DAY + timedelta(days=chance.randint(0, 20))
        opening: dict[str, Any] = {"do": "open_account", "currency": "EUR", "time_zone": "Europe/Paris"}
        if chance.random() < 0.5:
            opening["policies"] = _POLICIES
        steps = [opening, {"do": "purchase_plan", "product": chance.choice(("standard", "essentials"))}]
        steps += [chance.choice(_STEPS) for _ in range(chance.randint(1, 8))]
        for step in steps:
            lines.append(step | {"account": f"a{nth}", "at": day.isoformat()})
            if step is not opening:
                day += timedelta(days=chance.randint(0, 12))
    return lines
