"""Whether an account's history is what was written: its hash chain walked, event by event."""

from __future__ import annotations

import time
from functools import partial

import msgspec

from eventlog.audit.verify import verify_database
from eventlog.chain import Problem
from prorata.http.call import Call
from prorata.http.desk import Desk
from prorata.http.looking import unknown_account


class Verified(msgspec.Struct, frozen=True):
    """The events that were read, and the first place where they are not as written; None: all are."""

    account: str
    log_id: str
    events: int
    problems: tuple[Problem, ...]
    milliseconds: int

    @property
    def whole(self) -> bool:
        """Whether all is as it was written."""
        return not self.problems


async def verified(desk: Desk, call: Call) -> Verified:
    """The account's chain, read from the database now. Raises ProblemFound `unknown_account`."""
    if await desk.service.last_seen(call.account_id) is None:
        raise unknown_account()
    return await desk.run(partial(_verified, desk, call))


def _verified(desk: Desk, call: Call) -> Verified:
    began = time.monotonic()
    report = verify_database(desk.settings.database_url, workers=1, accounts=[call.account_id])
    milliseconds = round(1000 * (time.monotonic() - began))
    return Verified(call.account, str(report.log_id), report.events, tuple(report.problems), milliseconds)
