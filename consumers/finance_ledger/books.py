"""Which days are open: what books, and what closes a month, meet here.

    day = first_open_day(connection, "wall")        # of the tables in the session's search path

The lock is held until the transaction ends: no month is closed while something is booked on a day of it.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from consumers.checkpoints import Connection
from publishing.contract import Clock

_SHARE: Final = """
    select pg_advisory_xact_lock_shared(hashtext('finance_ledger'))
"""

_HOLD: Final = """
    select pg_advisory_xact_lock(hashtext('finance_ledger'))
"""

_FIRST_OPEN_DAY: Final = """
    select coalesce(max(last_day), '0001-01-01') + 1 from closings where clock = %(clock)s
"""


def first_open_day(connection: Connection, clock: Clock) -> date:
    """The first day of that clock's books that no closed month has, until the transaction ends."""
    connection.execute(_SHARE)
    [[day]] = connection.execute(_FIRST_OPEN_DAY, {"clock": clock}).fetchall()
    found: date = day
    return found


def hold(connection: Connection, clock: Clock) -> date:
    """The same, while nobody books anything until the transaction ends."""
    connection.execute(_HOLD)
    return first_open_day(connection, clock)
