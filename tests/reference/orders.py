"""Commands in the order of checks of RULES.md 10."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.reference import addon_orders, plan_orders
from tests.reference.amounts import minor
from tests.reference.books import Books
from tests.reference.dates import DAY
from tests.reference.offers import Answered, Offer, Refused


def give(books: Books, step: dict[str, Any], at: int) -> dict[str, Any]:
    """The answer to a command: outcome, code, charged."""
    contents = _contents(books, step)
    key = step.get("id")
    if key is not None and key in books.answers:
        before, answer = books.answers[key]
        return answer if before == contents else _rejected("command_id_reused")
    try:
        answer = _decide(books, step, at)
    except Refused as refused:
        answer = _rejected(refused.code)
    recorded = answer["outcome"] in ("accepted", "reinstated") or answer["code"] == "payment_declined"
    if key is not None and recorded:
        books.answers[key] = (contents, answer)
    return answer


def _contents(books: Books, step: dict[str, Any]) -> Any:
    beside = ("at", "id", "by", "confirm", "payment", "expected_total", "charged", "outcome", "rejected")
    total = step.get("expected_total")
    own = {name: value for name, value in step.items() if name not in beside}
    return own, step.get("by", "owner"), None if total is None else minor(total, books.currency)


def _rejected(code: str) -> dict[str, Any]:
    return {"outcome": "rejected", "code": code, "charged": None}


def _decide(books: Books, step: dict[str, Any], at: int) -> dict[str, Any]:
    if step.get("by", "owner") not in ("owner", "admin"):
        raise Refused("forbidden")
    if books.closed:
        raise Refused("account_closed")
    try:
        offer = _COMMANDS[step["do"]](books, step)
    except Answered as answered:
        return {"outcome": answered.outcome, "code": None, "charged": 0}
    charge = offer.charge
    if charge > 0:
        if _locked(books, at):
            raise Refused("payment_locked")
        given = step.get("confirm", {})
        if step["do"] != "pay_balance" and not (given.get("cvv", True) and given.get("billing", True)):
            raise Refused("confirmation_required")
    total = step.get("expected_total")
    if total is not None and minor(total, books.currency) != charge:
        raise Refused("quote_changed")
    if charge > 0 and (not books.works or step.get("payment") == "declined"):
        books.declines.append(at)
        raise Refused("payment_declined")
    offer.deed(at)
    if offer.lines:
        books.issue(books.today, offer.lines, "paid")
    return {"outcome": "accepted", "code": None, "charged": charge}


def _locked(books: Books, at: int) -> bool:
    """R16: five declined attempts, the fifth less than 24 hours after the first; for 24 hours."""
    last = books.declines[-5:]
    return len(last) == 5 and last[4] - last[0] < DAY and at < last[4] + DAY


# ---- the account


def _pay_balance(books: Books, _: dict[str, Any]) -> Offer:
    """R40."""
    if books.owed is None:
        raise Refused("nothing_due")
    return Offer(books.balance_paid, balance=books.owed["invoice"]["total"])


def _close_account(books: Books, _: dict[str, Any]) -> Offer:
    """R42."""
    if books.owed is not None:
        raise Refused("balance_due")
    return Offer(lambda at: _close(books, at))


def _close(books: Books, at: int) -> None:
    for item in list(books.plans.values()):
        books.end_plan(item, at)
    for item in list(books.addons):
        books.end_addon(item, at)
    for product in {pack["product"] for pack in books.packs if not pack["expired"]}:
        books.use(product, at, usable=False)
    for pack in books.packs:
        pack["expired"] = True
    books.anchor, books.closed = None, True


_COMMANDS: dict[str, Callable[[Books, dict[str, Any]], Offer]] = {
    "purchase_plan": plan_orders.purchase_plan,
    "change_plan": plan_orders.change_plan,
    "cancel_plan": plan_orders.cancel_plan,
    "pause_plan": plan_orders.pause_plan,
    "resume_plan": plan_orders.resume_plan,
    "purchase_addon": addon_orders.purchase_addon,
    "remove_addon": addon_orders.remove_addon,
    "undo": addon_orders.undo,
    "buy_credits": addon_orders.buy_credits,
    "start_transactional": addon_orders.start_transactional,
    "change_transactional": addon_orders.change_transactional,
    "top_up_transactional": addon_orders.top_up_transactional,
    "stop_transactional": addon_orders.stop_transactional,
    "pay_balance": _pay_balance,
    "close_account": _close_account,
}
