"""The statements on the durable test gateway's books. A row decides its key for ever: whoever inserts it
first, charge or finish, wins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

import msgspec

from domain.conclude import PaymentAnswer
from eventlog.postgres.connect import Connection
from service.gateways.played import PlayedMethod, status_of
from service.gateways.port import Charged, Means, Movement, RefundMade

_METHODS: Final = """
    select account_id, works, final, pending, decline_reason
    from service.gateway_methods where account_id = any(%(accounts)s)
"""

# In the order of their keys, so that batches with the same keys never wait for each other in a circle.
_DECIDE: Final = """
    insert into service.gateway_payments (key, account_id, amount, currency, answer, decline_reason)
    select key, account_id, amount, currency, answer, decline_reason
    from unnest(
        %(keys)s::uuid[], %(accounts)s::text[], %(amounts)s::numeric[], %(currencies)s::text[],
        %(answers)s::text[], %(reasons)s::text[]
    ) with ordinality as asked (key, account_id, amount, currency, answer, decline_reason, nth)
    order by key, nth
    on conflict (key) do nothing
    returning key, answer, decline_reason
"""
_CHARGED: Final = """
    select key, answer, decline_reason from service.gateway_payments where key = any(%(keys)s)
"""
_END: Final = """
    update service.gateway_payments set answer = %(answer)s
    where key = %(key)s and answer = any(%(open)s)
"""
# Refunds of one charge wait for each other: together they give back no more than was charged.
_HELD: Final = "select from service.gateway_payments where key = %(charge)s for update"
_REFUND: Final = """
    insert into service.gateway_refunds (key, charge, account_id, amount, currency, answer)
    select %(key)s, %(charge)s, %(account_id)s, %(amount)s, %(currency)s,
        case when %(amount)s <= charged.paid - given.back and coalesce(
            (select refunds_work from service.gateway_methods where account_id = %(account_id)s), true
        ) then 'refunded' else 'failed' end
    from (
        select coalesce(sum(amount), 0) as paid from service.gateway_payments
        where key = %(charge)s and answer = 'paid'
    ) as charged, (
        select coalesce(sum(amount), 0) as back from service.gateway_refunds
        where charge = %(charge)s and answer = 'refunded'
    ) as given
    on conflict (key) do nothing
"""
_REFUNDED: Final = "select answer from service.gateway_refunds where key = %(key)s"
_LISTED: Final = """
    select kind, answer, reference, key, account_id, amount, currency, decided_at from (
        select 'charge' as kind, answer, 'test_' || key as reference, key, account_id, amount, currency,
            decided_at
        from service.gateway_payments
        where decided_at >= %(from)s and decided_at < %(until)s and account_id is not null
        union all
        select 'refund', answer, 'test_' || coalesce(charge::text, '') || '/' || key, key, account_id,
            amount, currency, decided_at
        from service.gateway_refunds
        where decided_at >= %(from)s and decided_at < %(until)s
    ) as listed
    where (decided_at, key) > (%(from)s, %(key)s)
    order by decided_at, key limit %(limit)s
"""


class Asked(msgspec.Struct, frozen=True):
    """A charge of an account by `means`; without an account a
    `finish`."""

    key: UUID
    account_id: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    means: Means | None = None


class Place(msgspec.Struct, frozen=True):
    """After which row of the list the next page begins."""

    at: datetime
    key: UUID


def decided(connection: Connection, asked: Sequence[Asked]) -> list[Charged]:
    """How each key is decided: each by its first row, whoever inserts that."""
    methods = _methods(connection, [one.account_id for one in asked if one.account_id is not None])
    answers = [_answer(one, methods) for one in asked]
    values = {
        "keys": [one.key for one in asked],
        "accounts": [one.account_id for one in asked],
        "amounts": [one.amount for one in asked],
        "currencies": [one.currency for one in asked],
        "answers": [answer.answer for answer in answers],
        "reasons": [answer.decline_reason for answer in answers],
    }
    found = {key: _row(*rest) for key, *rest in connection.execute(_DECIDE, values).fetchall()}
    lost = [one.key for one in asked if one.key not in found]
    if lost:  # an insert that lost has waited for the winner's commit
        found |= charged(connection, lost)
    return [found[one.key] for one in asked]


def charged(connection: Connection, keys: Sequence[UUID]) -> dict[UUID, Charged]:
    """How the keys stand that were charged or finished."""
    rows = connection.execute(_CHARGED, {"keys": list(keys)}).fetchall()
    return {key: _row(*rest) for key, *rest in rows}


def ended(
    connection: Connection,
    key: UUID,
    answer: Literal["paid", "declined", "cancelled"],
    *,
    given_up: bool = False,
) -> Charged:
    """Let the charge that waits for the customer, or (unless it is `given_up`) for a late answer, end so; how
    it stands then."""
    still_open = ["action_required"] if given_up else ["action_required", "pending"]
    connection.execute(_END, {"key": key, "answer": answer, "open": still_open})
    return charged(connection, [key]).get(key, Charged("cancelled"))


def refunded(
    connection: Connection, key: UUID, charge: UUID, account_id: str, amount: Decimal, currency: str
) -> RefundMade:
    """What became of the refund, which is made once; of what is not there to be given back it fails."""
    values = {"key": key, "charge": charge, "account_id": account_id, "amount": amount, "currency": currency}
    with connection.transaction():
        connection.execute(_HELD, values)
        connection.execute(_REFUND, values)
    [[found]] = connection.execute(_REFUNDED, values).fetchall()
    answer: RefundMade = msgspec.convert(found, RefundMade)
    return answer


def listed(connection: Connection, after: Place, until: datetime, limit: int) -> list[Movement]:
    """What was decided in `[after, until)`, in order of time."""
    values = {"from": after.at, "until": until, "key": after.key, "limit": limit}
    return [_movement(*row) for row in connection.execute(_LISTED, values).fetchall()]


def _methods(connection: Connection, accounts: Sequence[str]) -> dict[str, PlayedMethod]:
    if not accounts:
        return {}
    rows = connection.execute(_METHODS, {"accounts": list(accounts)}).fetchall()
    return {account_id: PlayedMethod(*rest) for account_id, *rest in rows}


def _answer(asked: Asked, methods: dict[str, PlayedMethod]) -> Charged:
    if asked.account_id is None or asked.means is None:
        return Charged("cancelled")
    return methods.get(asked.account_id, PlayedMethod()).answer(asked.means)


def _row(answer: str, decline_reason: str | None) -> Charged:
    return msgspec.convert({"answer": answer, "decline_reason": decline_reason}, Charged)


def _movement(
    kind: Literal["charge", "refund"],
    answer: PaymentAnswer | RefundMade,
    reference: str,
    key: UUID,
    account_id: str,
    amount: Decimal,
    currency: str,
    at: datetime,
) -> Movement:
    return Movement(kind, status_of(answer), reference, key, account_id, amount, currency, at)
