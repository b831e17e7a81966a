"""Commands in the order of checks of RULES.md 10 and 19."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tests.reference.account import addon_orders, plan_orders
from tests.reference.account.answers import facts, product_meant
from tests.reference.account.books import Books, Line
from tests.reference.account.collecting import end_items, fact_of_dispute
from tests.reference.account.days import let_dates_begin
from tests.reference.account.discounts import Discount, made
from tests.reference.account.money import credit_pays, drafted, issue, pay_all, pay_by_method
from tests.reference.account.offers import Answered, Offer, Refused
from tests.reference.account.staff_orders import CORRECTIONS, correct, once_free
from tests.reference.amounts import minor
from tests.reference.dates import DAY, date_at

DISPUTES = ("dispute_opened", "dispute_won", "dispute_lost")
WAIT = 1800
Answer = dict[str, Any]

# What a step says beside its own contents, under one key.
_BESIDE = (
    "at", "id", "by", "confirm", "payment", "refund", "expected_total", "charged", "outcome", "rejected",
    "answer",
)  # fmt: skip


def settle(books: Books, at: int) -> None:
    """Everything that is due by the instant, a waiting payment's end too (R16, R96)."""
    books.now = at
    if books.waiting is not None and at >= books.waiting["at"] + WAIT:
        _forget_waiting(books)
    if books.waiting is None:
        let_dates_begin(books, at)


def give(books: Books, step: dict[str, Any], at: int) -> Answer:
    """The answer to a command."""
    settle(books, at)
    key, contents = step.get("id"), _contents(books, step)
    if key is not None and key in books.answers:
        before, answer = books.answers[key]
        return answer if before == contents else rejected("command_id_reused")
    product = product_meant(books, step)
    try:
        answer = _decide(books, step, at)
    except Refused as refused:
        answer = rejected(refused.code)
    except Answered as answered:
        answer = {"outcome": answered.outcome, "code": None, "charged": 0}
    if answer["charged"] is not None:
        answer["answer"] = facts(books, step, product_meant(books, step) or product)
    recorded = answer["outcome"] in ("accepted", "reinstated", "action_required")
    if recorded or answer["code"] == "payment_declined":
        books.last_at = at
    if key is not None and (recorded or answer["code"] == "payment_declined"):
        books.answers[key] = (contents, answer)
    return answer


def rejected(code: str) -> Answer:
    """A refusal."""
    return {"outcome": "rejected", "code": code, "charged": None, "answer": None}


def accepted(charged: int | None) -> Answer:
    """Done."""
    return {"outcome": "accepted", "code": None, "charged": charged, "answer": None}


def _contents(books: Books, step: dict[str, Any]) -> Any:
    total = step.get("expected_total")
    beside = (*_BESIDE, "works", "final") if step["do"] == "set_payment_method" else _BESIDE
    own = {name: value for name, value in step.items() if name not in beside}
    if step["do"] == "set_tax_profile":
        own.setdefault("vat_id", "none")
    return own, step.get("by"), None if total is None else minor(total, books.currency)


def _decide(books: Books, step: dict[str, Any], at: int) -> Answer:
    do = step["do"]
    if books.waiting is not None and (do in DISPUTES or do in CORRECTIONS) and _touches(books, step, at):
        raise Refused("payment_in_progress")
    if do in DISPUTES:
        outcome, code = fact_of_dispute(books, step, date_at(at, books.zone), at)
        return {"outcome": outcome, "code": code, "charged": None if code else 0, "answer": None}
    if do in CORRECTIONS:
        correct(books, step, date_at(at, books.zone), at)
        return accepted(0)
    if books.waiting is not None and do != "abandon_payment":
        raise Refused("payment_in_progress")
    roles = ("owner", "admin", "finance") if do == "set_tax_profile" else ("owner", "admin")
    if step.get("by", "owner") not in roles:
        raise Refused("forbidden")
    if books.closed:
        raise Refused("account_closed")
    special = _SPECIAL.get(do)
    if special is not None:
        return special(books, step, at)
    offer = _COMMANDS[do](books, step)
    return _sold(books, step, offer, at)


def _touches(books: Books, step: dict[str, Any], at: int) -> bool:
    """Section 10: a correction waits for the payment of its own invoice alone; giving discounts is none. What
    falls due on a date that has begun meanwhile comes first."""
    assert books.waiting is not None
    if step["do"] in ("grant_discount", "withdraw_discount") or date_at(at, books.zone) > books.today:
        return True
    mine = books.waiting["invoices"]
    if step["do"] == "record_payment" and "invoice" not in step:
        return bool(books.waiting["pays"])
    return step.get("invoice") in mine


# ---- what is charged


def _sold(books: Books, step: dict[str, Any], offer: Offer, at: int) -> Answer:
    if offer.lines is None:
        _quote_holds(books, step, 0)
        offer.deed(at)
        return accepted(0)
    code = _discount_of(books, step, offer)
    draft = drafted(books, offer.lines, code=code)
    if any(line["issued_on"]["pending"] for line, _ in draft["apart"]):
        raise Refused("not_creditable")
    if draft["net"] > 0 and books.tax_table is not None and books.profile is None:
        raise Refused("billing_details_missing")

    def done(at: int) -> Answer:
        pay_by_method(issue(books, draft, at))
        if code is not None:
            books.used_codes.add(step["discount"])
        offer.deed(at)
        if books.disputes:  # opened while it waited for the customer
            books.left[str(offer.bought)] = books.disputed_at
        return accepted(draft["due"])

    bearers = _bearers(books, step)
    return _charged(
        books, step, draft["due"], done, at, confirmed=True, takes=draft["credit"], bearers=bearers
    )


def _bearers(books: Books, step: dict[str, Any]) -> list[Line]:
    """Of an upgrade, the lines of the present price."""
    if step["do"] != "change_plan":
        return []
    family = books.shelves.ever[step["product"]]["family"]
    held = books.plans.get(family)
    return [] if held is None or held["free"] else held["lines"]


def _charged(
    books: Books,
    step: dict[str, Any],
    charge: int,
    done: Callable[[int], Answer],
    at: int,
    *,
    confirmed: bool,
    takes: int = 0,
    bearers: Collection[Line] = (),
) -> Answer:
    """`takes`: the account credit that it takes once it is paid; `bearers`: the lines that it credits."""
    if charge > 0:
        if _locked(books, at):
            raise Refused("payment_locked")
        given = step.get("confirm", {})
        if confirmed and not (given.get("cvv", True) and given.get("billing", True)):
            raise Refused("confirmation_required")
    _quote_holds(books, step, charge)
    if charge > 0:
        if step.get("payment") == "action_required":
            pays = {invoice["number"] for invoice in books.open_invoices()}
            if step["do"] not in ("pay_balance", "set_payment_method"):
                pays = set()
            books.waiting = {
                "at": at, "done": done, "step": step, "pays": pays, "takes": takes,
                "invoices": pays | {line["issued_on"]["number"] for line in bearers},
            }  # fmt: skip
            return {"outcome": "action_required", "code": None, "charged": None, "answer": None}
        if not books.method["works"] or step.get("payment") == "declined":
            _declined_attempt(books, at)
            raise Refused("payment_declined")
    return done(at)


def _declined_attempt(books: Books, at: int) -> None:
    books.declines.append(at)
    books.was_refused_for_good |= bool(books.method["final"])


def _quote_holds(books: Books, step: dict[str, Any], charge: int) -> None:
    total = step.get("expected_total")
    if total is not None and minor(total, books.currency) != charge:
        raise Refused("quote_changed")


def _locked(books: Books, at: int) -> bool:
    """R16: five declined attempts, the fifth less than 24 hours after the first; for 24 hours."""
    last = books.declines[-5:]
    return len(last) == 5 and last[4] - last[0] < DAY and at < last[4] + DAY


def _discount_of(books: Books, step: dict[str, Any], offer: Offer) -> Discount | None:
    """R79: the code that comes with a purchase."""
    if "discount" not in step:
        return None
    terms = books.codes.get(step["discount"])
    if terms is None or (isinstance(terms.get("fixed"), dict) and books.currency not in terms["fixed"]):
        raise Refused("unknown_discount")
    bought, plan = offer.bought, bool(offer.lines and offer.lines[0]["kind"] == "plan")
    if not (bought in terms["products"] if "products" in terms else plan or terms.get("carried")):
        raise Refused("unknown_discount")
    if "last_day" in terms and terms["last_day"] < books.today.isoformat():
        raise Refused("discount_over")
    if step["discount"] in books.used_codes:
        raise Refused("already_used")
    discount = made(terms, books, books.today, last_day=None)
    once_free(books, discount, [str(bought)])
    return discount


# ---- a payment that waits for the customer


def _forget_waiting(books: Books) -> None:
    """It was never made: no attempt, and the key is free again (R16)."""
    assert books.waiting is not None
    books.answers.pop(books.waiting["step"].get("id", ""), None)
    books.waiting = None
    credit_pays(books, books.last_at)


def conclude(books: Books, answer: str, at: int) -> None:
    """R96: the waiting payment was paid or declined, as of its intent."""
    settle(books, at)
    if books.waiting is None:
        return
    waiting, books.waiting = books.waiting, None
    step, intent = waiting["step"], waiting["at"]
    if answer == "paid":
        product = product_meant(books, step)
        result = waiting["done"](intent)
        result["answer"] = facts(books, step, product_meant(books, step) or product)
    elif step["do"] == "set_payment_method":
        _declined_attempt(books, intent)
        result = accepted(0)
        result["answer"] = facts(books, step, None)
    else:
        _declined_attempt(books, intent)
        result = rejected("payment_declined")
    credit_pays(books, books.last_at)
    if "id" in step:
        books.answers[step["id"]] = (_contents(books, step), result)
    settle(books, at)


def _abandon(books: Books, step: dict[str, Any], at: int) -> Answer:
    if books.waiting is None:
        raise Answered("unchanged")
    _forget_waiting(books)
    settle(books, at)
    return accepted(0)


# ---- the account


def _pay_balance(books: Books, step: dict[str, Any], at: int) -> Answer:
    """R40."""
    if not books.past_due:
        raise Refused("nothing_due")
    return _balance(books, step, at)


def _balance(books: Books, step: dict[str, Any], at: int) -> Answer:
    """R57: all that is due now; what becomes due while it waits for the customer is not of it."""
    due, invoices = books.all_due(), books.open_invoices()

    def done(at: int) -> Answer:
        pay_all(books, invoices, at)
        return accepted(due)

    return _charged(books, step, due, done, at, confirmed=False)


def _set_payment_method(books: Books, step: dict[str, Any], at: int) -> Answer:
    """R56."""
    books.method = {"works": step.get("works", True), "final": step.get("final", False), "pending": False}
    books.was_refused_for_good = False
    if not books.past_due or books.disputes:
        return accepted(0)
    try:
        return _balance(books, step, at)
    except Refused:
        return accepted(0)


def _set_tax_profile(books: Books, step: dict[str, Any], at: int) -> Answer:
    """R70: the whole profile."""
    names = ("country", "region", "kind", "vat_id", "exempt_until")
    books.profile = {name: step[name] for name in names if name in step}
    return accepted(0)


def _close_account(books: Books, step: dict[str, Any], at: int) -> Answer:
    """R42."""
    if books.disputes:
        raise Refused("dispute_open")
    if any(invoice["status"] == "open" for invoice in books.invoices):
        raise Refused("balance_due")
    _quote_holds(books, step, 0)
    end_items(books, books.held(), books.today, at)
    for discount in books.discounts:
        discount["over"] |= discount["carried"]
    books.anchor, books.closed = None, True
    return accepted(0)


_SPECIAL: dict[str, Callable[[Books, dict[str, Any], int], Answer]] = {
    "pay_balance": _pay_balance,
    "set_payment_method": _set_payment_method,
    "set_tax_profile": _set_tax_profile,
    "close_account": _close_account,
    "abandon_payment": _abandon,
}
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
}
