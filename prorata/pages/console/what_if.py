"""What if: a command previewed (R48), and what it would change now and in the next twelve months.

    shown = await what_if(desk, call, "purchase_addon", {"product": "custom_domain"}, by="owner")
    shown.previewed.answer.outcome, shown.access, shown.months

Nothing is settled, recorded or charged.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from domain import events as e
from domain.calendar import CivilDate, Instant, boundary
from domain.catalog import Catalogues
from domain.coming import settled_as_paid
from domain.forecast import forecast
from domain.money import zero
from domain.state import Account
from domain.views import Entitlement, entitlements
from prorata.cli.account.present import names_of
from prorata.cli.account.preview import ATTEMPTS, foreseen
from prorata.cli.account.preview_screen import Previewed
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.looking import state_of
from prorata.wording import Wording, answer_said
from service.commands import AnswerLine, Invalid, parse_line
from service.errors import Contended
from service.session import CommandSession

ROLES: Final = ("owner", "admin", "manager", "support", "finance")
"""As whom a command can be tried: what it would answer them is no secret of theirs."""


class AccessChange(msgspec.Struct, frozen=True):
    """A product of which something would change. None: it is not held then."""

    product: str
    before: Entitlement | None
    after: Entitlement | None


class MonthChange(msgspec.Struct, frozen=True):
    """What would be invoiced in a month, as things stand and after the command. `month`: its first day."""

    month: CivilDate
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        """By how much more."""
        return self.after - self.before


class WhatIf(msgspec.Struct, frozen=True):
    """A command's preview and what it would change. `invalid`: why it is no command; then there is no more.
    `shown`: the answer, once it is confirmed where only that was missing."""

    account: str
    do: str
    by: str
    version: int
    currency: str
    zone: str
    invalid: Invalid | None = None
    previewed: Previewed | None = None
    access: tuple[AccessChange, ...] = ()
    months: tuple[MonthChange, ...] = ()

    @property
    def shown(self) -> AnswerLine | None:
        """The answer that the rest is of."""
        return None if self.previewed is None else self.previewed.once_confirmed or self.previewed.answer

    @property
    def total(self) -> MonthChange | None:
        """All twelve months together."""
        if not self.months:
            return None
        before = sum([one.before for one in self.months], zero(self.currency))
        after = sum([one.after for one in self.months], zero(self.currency))
        return MonthChange(self.months[0].month, before, after)


async def what_if(
    desk: Desk, call: Call, do: str, fields: dict[str, Any], *, by: str, say: Wording
) -> WhatIf:
    """What the command would answer if that role gave it now. Raises ProblemFound `unknown_account`,
    Contended."""
    for _ in range(ATTEMPTS):
        state = await state_of(desk, call)
        found = WhatIf(call.account, do, by, state.version, state.currency, state.time_zone)
        line = _line(call, state, do, fields, by)
        parsed = parse_line(line, call.tenant, state.clock)
        if isinstance(parsed, Invalid):
            return replace(found, invalid=parsed)
        answer = await _session(desk, call, state).answer(line)
        if not answer.is_command:
            invalid = Invalid(
                answer.code or "invalid", answer.message or "", str(answer.place or ""), call.account, None
            )
            return replace(found, invalid=invalid)
        now, series = await desk.now(), await desk.series_for(state)
        seen = await desk.run(partial(foreseen, state, parsed, answer, state.clock, now, series))
        if seen is not None:
            told = _told(seen, series, state, say)
            return await desk.run(partial(_compared, found, told, state, now, series))
    raise Contended(call.account_id, ATTEMPTS)


def _line(call: Call, state: Account, do: str, fields: dict[str, Any], by: str) -> bytes:
    line = {**fields, "do": do, "account": call.account, "by": by, "preview": True}
    if state.clock == "test":
        line["at"] = state.last_at.isoformat()
    return msgspec.json.encode(line)


def _session(desk: Desk, call: Call, state: Account) -> CommandSession:
    system = desk.system
    return CommandSession(
        desk.service, system.catalogues, system.clock, tenant=call.tenant, lives_on=state.clock
    )


def _told(seen: Previewed, series: Catalogues, state: Account, say: Wording) -> Previewed:
    words = say.naming(names_of(series.ever_sold(state.last_at)))

    def told(answer: AnswerLine) -> AnswerLine:
        return replace(answer, message=answer_said(answer, words, state.currency))

    confirmed = seen.once_confirmed
    return replace(
        seen, answer=told(seen.answer), once_confirmed=None if confirmed is None else told(confirmed)
    )


def _compared(found: WhatIf, seen: Previewed, state: Account, now: Instant, series: Catalogues) -> WhatIf:
    after = seen.after
    if after is None:
        return replace(found, previewed=seen)
    at = state.last_at if state.clock == "test" else max(now, state.last_at)
    before = settled_as_paid(state, at, series)[0]
    expected = forecast(state, at, series)
    months = _months(expected.invoices, after.forecast.invoices, state.currency)
    access = _access(entitlements(before, series), entitlements(after.state, series))
    return replace(found, previewed=seen, access=access, months=months)


def _access(before: dict[str, Entitlement], after: dict[str, Entitlement]) -> tuple[AccessChange, ...]:
    products = {**before, **after}
    changes = [AccessChange(one, before.get(one), after.get(one)) for one in products]
    return tuple([change for change in changes if change.before != change.after])


def _months(
    before: Iterable[e.Invoice], after: Iterable[e.Invoice], currency: str
) -> tuple[MonthChange, ...]:
    """Every month from the first to the last in which something is invoiced either way."""
    was, becomes = _by_month(before, currency), _by_month(after, currency)
    if not (was or becomes):
        return ()
    first, last = min({**was, **becomes}), max({**was, **becomes})
    number = (last.year - first.year) * 12 + last.month - first.month + 1
    nothing = zero(currency)
    months = [boundary(first, nth) for nth in range(number)]
    return tuple([MonthChange(one, was.get(one, nothing), becomes.get(one, nothing)) for one in months])


def _by_month(invoices: Iterable[e.Invoice], currency: str) -> dict[date, Decimal]:
    found: dict[date, Decimal] = {}
    for invoice in invoices:
        month = invoice.date.replace(day=1)
        found[month] = found.get(month, zero(currency)) + invoice.total
    return found
