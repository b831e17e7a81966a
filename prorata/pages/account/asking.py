"""What a customer is about to do: previewed, sealed into the form that asks, and done once when that comes
back.

    answer = await foreseen(desk, account, "purchase_addon", {"product": "custom_domain"})
    text = ticket(account, Asked(new_id(), "purchase_addon", {…}, answer.charged, version))
    answer = await given(desk, account, asked_in(visit, text), token="tok_…", billing=True)

The ticket holds the command's id, the quoted total and the account's version: however often it comes back, it
is done once (R48, section 10); where the total or the account has changed meanwhile, nothing is done, and it
is asked anew. Only the session that was shown it has it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.giving import give
from prorata.http.problems import Problem, ProblemFound, refuse
from prorata.pages.account.opened import Opened
from prorata.pages.marks import opened as unsealed
from prorata.pages.marks import sealed
from prorata.pages.page import Visit
from service.commands import AnswerLine
from service.gateways.played import ACTION_REQUIRED, DECLINED, DECLINED_FOR_GOOD

TICKET: Final = "ticket"

ASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "purchase_plan": ("product", "tier", "discount"),
    "change_plan": ("product", "tier", "discount"),
    "purchase_addon": ("product", "discount"),
    "buy_credits": ("product", "discount"),
    "start_transactional": ("blocks", "discount"),
    "change_transactional": ("blocks",),
    "top_up_transactional": ("blocks",),
    "stop_transactional": (),
    "remove_addon": ("product",),
    "undo": ("product",),
    "cancel_plan": ("family",),
    "pause_plan": ("family", "resume_on"),
    "resume_plan": ("family",),
    "pay_balance": (),
    "abandon_payment": (),
    "set_payment_method": (),
}
"""What a customer can do on these pages, each with the fields that it takes."""

PAID_BY_SAVED_METHOD: Final = ("pay_balance", "set_payment_method")
"""What is paid by the saved payment method, and confirmed by no security code."""


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """What a ticket holds. `total`: the quote, as text; None: nothing is charged for it."""

    id: str
    do: str
    fields: dict[str, Any]
    total: str | None = None
    version: int | None = None

    @classmethod
    def new(cls, do: str, fields: dict[str, Any], total: str | None, version: int) -> Asked:
        """Of a command that was never given."""
        return cls(secrets.token_urlsafe(12), do, fields, total, version)


def ticket(account: Opened, asked: Asked) -> str:
    """The ticket, for the field of a form."""
    return sealed(account.visit.customer.secret, TICKET, msgspec.json.encode(asked))


def asked_in(visit: Visit) -> Asked:
    """What the form's ticket holds. Raises ProblemFound `form_over` where it is not of this session."""
    contents = unsealed(visit.customer.secret, TICKET, visit.form.get(TICKET, ""))
    if contents is None:
        raise ProblemFound(Problem.of("form_over", "this ticket is not of this session", status=403))
    return msgspec.json.decode(contents, type=Asked)


def fields_in(do: str, given: Mapping[str, str]) -> dict[str, Any]:
    """The command's own fields, among the parameters or the form of a page. Raises ProblemFound `not_found`,
    `invalid_parameter`."""
    if do not in ASKS:
        raise refuse("not_found", "there is nothing here")
    fields: dict[str, Any] = {name: given[name] for name in ASKS[do] if given.get(name)}
    if "blocks" in fields:
        blocks = fields["blocks"]
        if not (blocks.isascii() and blocks.isdigit() and len(blocks) < 8):
            raise refuse("invalid_parameter", "`blocks` is a whole number", place="blocks")
        fields["blocks"] = int(blocks)
    return fields


async def foreseen(desk: Desk, account: Opened, do: str, fields: Mapping[str, Any]) -> AnswerLine:
    """What the command would answer now, once it is confirmed."""
    return await give(
        desk, _call(account, fields, token=_ANY, billing=True), do, _name(account), preview=True
    )


async def given(
    desk: Desk, account: Opened, asked: Asked, *, token: str | None = None, billing: bool = False
) -> AnswerLine:
    """Do it; or, where it was done already, what came of it. Raises ProblemFound `version_changed`."""
    fields = asked.fields if asked.total is None else {**asked.fields, "expected_total": asked.total}
    call = _call(account, fields, token=token, billing=billing)
    if asked.do == "set_payment_method":
        call = _with_method(account, call, token)
    headers = {"idempotency-key": asked.id}
    if asked.version is not None:
        headers["if-match"] = str(asked.version)
    return await give(desk, replace(call, headers=headers), asked.do, _name(account))


def _call(account: Opened, fields: Mapping[str, Any], *, token: str | None, billing: bool) -> Call:
    """The command as the API's routes take it. On a test clock it happens at the account's instant, and a
    token stands for how its payment is answered."""
    body: dict[str, Any] = dict(fields)
    if account.looked.state.clock == "wall":
        confirm: dict[str, Any] = {"billing": billing}
        body["confirm"] = confirm if token is None else {**confirm, "cvv": token}
    else:
        body["at"] = account.looked.at.isoformat()
        body["confirm"] = {"billing": billing, "cvv": token is not None}
        if token in _PLAYED:
            body["payment"] = _PLAYED[token]
    return replace(account.visit.call, fields=body, headers={})


def _with_method(account: Opened, call: Call, token: str | None) -> Call:
    assert call.fields is not None
    fields = {name: value for name, value in call.fields.items() if name not in ("confirm", "payment")}
    if account.looked.state.clock == "wall":
        return replace(call, fields=fields if token is None else {**fields, "method": token})
    works = token not in (DECLINED.token, DECLINED_FOR_GOOD.token)
    return replace(call, fields={**fields, "works": works})


def _name(account: Opened) -> str:
    return account.looked.account


_ANY: Final = "tok_any"
"""A preview charges nothing: any token will do."""

_PLAYED: Final[Mapping[str | None, str]] = {
    DECLINED.token: "declined",
    DECLINED_FOR_GOOD.token: "declined",
    ACTION_REQUIRED.token: "action_required",
}
