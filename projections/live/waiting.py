"""Read your own writes: wait until the read models include an event.

wait_for(connection, log, "acme/a-1", answer.version, timeout=2.0)
document = entitlements.of_account(connection, "acme/a-1")
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from eventlog import EventLog
from projections.errors import AccountParked
from projections.live import checkpoints
from projections.live.lanes import lane_of
from projections.registry import FOLDS
from projections.tables import Connection

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.05

_PARKED: Final = """
    select projection, version from projections.parked
    where projection = any(%(names)s) and account_id = %(account_id)s and version <= %(version)s
"""


def wait_for(
    connection: Connection,
    log: EventLog,
    account_id: str,
    version: int,
    timeout: float,
    projections: Iterable[str] = FOLDS,
) -> bool:
    """Wait up to `timeout` seconds until the projections include the account's event; False if they do not
    yet.

    Raises AccountParked if a projection stopped before the event, and UnknownProjection. The connection must
    not be inside a transaction with an older snapshot.
    """
    deadline, pause, names = time.monotonic() + timeout, _SHORTEST_PAUSE, list(projections)
    position: int | None = None
    while True:
        if position is None:
            stored = log.event(account_id, version)
            position = None if stored is None else stored.position
        if position is not None and _reached(connection, names, lane_of(account_id), position):
            _check_parked(connection, names, account_id, version)
            return True
        if time.monotonic() + pause > deadline:
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


def _reached(connection: Connection, names: list[str], lane: int, position: int) -> bool:
    return all(c.position >= position for c in checkpoints.read(connection, names, [lane]))


def _check_parked(connection: Connection, names: list[str], account_id: str, version: int) -> None:
    found = connection.execute(_PARKED, {"names": names, "account_id": account_id, "version": version})
    for projection, at_version in found:
        raise AccountParked(projection, account_id, at_version)
