"""Accounts: opening one, the list of them, one as it stands."""

from __future__ import annotations

from itertools import islice, takewhile
from typing import Any, Final, Literal

import msgspec

from domain.calendar import CivilDate, local_text
from domain.events import Clock
from domain.money import zero
from domain.state import Account
from domain.texts import is_plain
from domain.views import account_summary
from projections.models import entitlements
from projections.models.entitlements import ListedAccount
from prorata.cli.account.present import Looked
from prorata.http.call import Answered, Call, etag, page
from prorata.http.commands import (
    IDEMPOTENCY_KEY,
    AdvanceBody,
    AdvancedAnswer,
    advance_clock,
    open_account,
)
from prorata.http.desk import Desk
from prorata.http.looking import AT, by_time, looking
from prorata.http.problems import refuse
from prorata.http.route import COMMAND, LOOK, Parameter, Route
from service.commands import AnswerLine

Status = Literal["good", "past_due", "disputed", "closed"]


class AccountAnswer(msgspec.Struct, frozen=True):
    """An account as it stands (R3, R38, R46): amounts in its currency, `due` of all its invoices, `credit`
    its account credit, `next_renewal` the first end of a cycle after which something renews."""

    account: str
    status: Status
    clock: Clock
    currency: str
    time_zone: str
    at: str
    version: int
    anchor: CivilDate | None
    next_renewal: CivilDate | None
    support: bool
    credit: str
    due: str


class AccountEntry(msgspec.Struct, frozen=True):
    """An account in the list of them, as the read models have it, or the log where they lack it."""

    account: str
    status: Status
    clock: Clock | None
    currency: str
    time_zone: str
    version: int
    next_renewal: CivilDate | None


class AccountsAnswer(msgspec.Struct, frozen=True):
    """A page of accounts, in order of their ids; `next`: what `after` is to be for the following page."""

    items: list[AccountEntry]
    next: str | None


class OpenBody(msgspec.Struct, frozen=True):
    """Open an account. `clock` `test`: on a test clock, with `at`, perhaps a `catalog`, `policies`, a `tax`
    table and `discounts` of its own (docs/scenarios.md)."""

    account: str
    currency: str
    time_zone: str
    clock: Clock = "wall"
    at: str | msgspec.UnsetType = msgspec.UNSET
    by: str | msgspec.UnsetType = msgspec.UNSET
    actor: str | msgspec.UnsetType = msgspec.UNSET
    catalog: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    policies: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    discounts: list[Any] | msgspec.UnsetType = msgspec.UNSET
    tax: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


def one(looked: Looked, call: Call) -> Answered:
    """The account as it stands."""
    state, zone = by_time(looked), looked.state.time_zone
    summary = account_summary(state, looked.catalogues)
    answer = AccountAnswer(
        call.account,
        state.status,
        state.clock,
        state.currency,
        zone,
        local_text(looked.at, zone),
        looked.state.version,
        summary.anchor,
        summary.next_renewal,
        summary.support,
        format(state.standing.credit + zero(state.currency), "f"),
        format(_due(state), "f"),
    )
    return Answered(answer, headers=etag(looked.state.version))


def _due(state: Account) -> Any:
    return sum([record.due for record in state.open_invoices], zero(state.currency))


async def every(desk: Desk, call: Call) -> Answered:
    """A page of the tenant's accounts."""
    status, limit, after, tenant = (
        call.query.get("status"),
        call.limit,
        call.query.get("after", ""),
        call.tenant,
    )
    if status is None:
        found = await _all(desk, tenant, after, limit + 1)
    elif status in STATUSES:
        found = await desk.read(
            lambda connection: entitlements.of_tenant(connection, tenant, after, status, limit + 1)
        )
    else:
        raise refuse("invalid_parameter", f"`status` is one of {', '.join(STATUSES)}", place="status")
    items = [_entry(one, tenant) for one in found[:limit]]
    return Answered(page(items, items[-1].account if len(found) > limit else None))


async def _all(desk: Desk, tenant: str, after: str, limit: int) -> list[ListedAccount]:
    """Of the log, so that none is missing; as the read models have them, else as the log does."""
    begins, log = f"{tenant}/", desk.system.log
    if not is_plain(after):
        raise refuse("invalid_parameter", "`after` is an account's id", place="after")

    def ids() -> list[str]:
        own = takewhile(lambda account_id: account_id.startswith(begins), log.accounts(begins + after))
        return list(islice(own, limit))

    account_ids = await desk.run(ids)
    known = await desk.read(lambda connection: entitlements.listed(connection, account_ids))
    return [known.get(one) or await _listed(desk, one) for one in account_ids]


async def _listed(desk: Desk, account_id: str) -> ListedAccount:
    state = await desk.service.account(account_id)
    assert state is not None, "the log has it"
    renewal = account_summary(state).next_renewal
    return ListedAccount(
        account_id, state.status, state.clock, state.currency, state.time_zone, state.version, renewal
    )


def _entry(one: ListedAccount, tenant: str) -> AccountEntry:
    account = one.account_id.removeprefix(f"{tenant}/")
    return AccountEntry(
        account, one.status, one.clock, one.currency, one.time_zone, one.version, one.next_renewal
    )


STATUSES: Final = ("good", "past_due", "disputed", "closed")

LIMIT: Final = Parameter(
    "limit", "Items of a page.", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
)

ROUTES = (
    Route(
        "POST",
        "/v1/accounts",
        "open-account",
        "Open an account.",
        COMMAND,
        open_account,
        AnswerLine,
        OpenBody,
        (IDEMPOTENCY_KEY,),
        status=201,
    ),
    Route(
        "GET",
        "/v1/accounts",
        "list-accounts",
        "The tenant's accounts, in order of their ids.",
        LOOK,
        every,
        AccountsAnswer,
        parameters=(
            Parameter("status", "Of this status alone.", {"type": "string", "enum": list(STATUSES)}),
            Parameter("after", "Those after this account (`next` of the page before).", {"type": "string"}),
            LIMIT,
        ),
    ),
    Route(
        "GET",
        "/v1/accounts/{account}",
        "get-account",
        "The account as it stands.",
        LOOK,
        looking(one),
        AccountAnswer,
        parameters=(AT,),
    ),
    Route(
        "POST",
        "/v1/accounts/{account}/advance-clock",
        "advance-clock",
        "Let a test clock go on, and settle what falls due until then.",
        frozenset(["owner", "admin", "operator"]),
        advance_clock,
        AdvancedAnswer,
        AdvanceBody,
        tag="test clocks",
    ),
)
