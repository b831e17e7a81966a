"""The accounts that wait for an answer of the provider, as the read models know them. What they do not know
yet is found in the log, where it is of the day that is reconciled."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from projections import MIGRATIONS
from service.schema import connect

# A late payment leaves its invoice open, and so does one that is past due: each account's own state tells.
_PENDING: Final = """
    select account_id from projections.calendar where pending_payment
    union select account_id from projections.invoices where status = 'open'
    order by account_id
"""


def pending_accounts(database_url: str, *, patience: float = 10.0) -> list[str]:
    """Accounts whose payment, refund or late payment may have no end yet."""
    with closing(
        connect(database_url, "prorata reconcile", limit=1, patience=patience, source=MIGRATIONS)
    ) as tables:
        return [row[0] for row in tables.run(lambda connection: connection.execute(_PENDING).fetchall())]
